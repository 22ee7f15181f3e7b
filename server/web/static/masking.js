// Addresses hold secrets: in the path of a link from a mail, and in the values of a query.

const LINKS = /\/(unsubscribe|invitation|reset)\/[^\s/?#"'<>]+/g;
const VALUES = /([?&][^\s=&#"'<>]*=)[^\s&#"'<>]*/g;

// Returns a copy of `value`, anything that can be written as JSON, in which every text is masked.
export function masked(value) {
  if (typeof value === "string") return value.replace(LINKS, "/$1/…").replace(VALUES, "$1…");
  if (Array.isArray(value)) return value.map(masked);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each)]));
}
