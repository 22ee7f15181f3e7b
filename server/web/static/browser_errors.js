// Reports the errors of this page to Sentry, through our own server. Only pages of a server with
// VITE_SENTRY_DSN load it, and before the scripts whose errors it reports.

import { masked } from "./masking.js";

const { dsn, release, environment } = document.querySelector("script[data-dsn]").dataset;

// What blocks advertising may keep the SDK away, and the page works without it.
if (globalThis.Sentry) start(globalThis.Sentry);

function start(sdk) {
  const client = new sdk.BrowserClient({
    dsn,
    release,
    environment,
    tunnel: "/errors",
    transport: sdk.makeFetchTransport,
    stackParser: sdk.defaultStackParser,
    integrations: [
      sdk.eventFiltersIntegration(),
      sdk.functionToStringIntegration(),
      // No clicks and no console: these would name incidents, which are other people's data.
      sdk.breadcrumbsIntegration({ console: false, dom: false }),
      sdk.globalHandlersIntegration(),
      sdk.linkedErrorsIntegration(),
      sdk.dedupeIntegration(),
      sdk.httpContextIntegration(),
    ],
    sendClientReports: false,
  });
  // Not by `beforeSend`: the SDK does not ask it about errors of its own, which have addresses too.
  client.on("beforeEnvelope", ([, items]) => {
    for (const item of items) item[1] = masked(item[1]);
  });
  sdk.getCurrentScope().setClient(client);
  client.init();
}
