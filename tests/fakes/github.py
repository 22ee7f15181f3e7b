"""GitHub's REST API as its documentation describes it, for the two questions that we ask.

``GET /repos/{owner}/{repo}/commits/{ref}`` and ``/compare/{base}...{head}``, with the token, the
rate limit's headers and the refusals::

    async with FakeGitHub() as github:
        github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
        ... GitHubApi(session, github.url, github.token)
"""

from typing import Any

from aiohttp import web

from tests.fakes.local_server import LocalServer

TOKEN = "a-token-of-the-tests"


def rest_commit(
    sha: str, patches: dict[str, str | None], *, parents: int = 1, **changes: Any
) -> dict[str, Any]:
    """A commit as the API has it; `patches` by file, none where the file is binary."""
    person = {"name": "Ada", "email": "ada@acme.example", "date": "2025-03-04T08:00:00Z"}
    fields = {
        "sha": sha,
        "html_url": f"https://github.com/acme/shop/commit/{sha}",
        "commit": {"message": f"Change {sha}", "author": person, "committer": person},
        "author": {"login": "ada"},
        "parents": [{"sha": f"{sha}-{number}"} for number in range(parents)],
        "stats": {"total": 4, "additions": 3, "deletions": 1},
        "files": [
            {"filename": name, "status": "modified", "additions": 3, "deletions": 1}
            | ({} if patch is None else {"patch": patch})
            for name, patch in patches.items()
        ],
    }
    return fields | changes


class FakeGitHub(LocalServer):
    """The server; `asked` are the paths so far, `answers` come first, one for each question."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.asked: list[str] = []
        self.answers: list[web.Response] = []
        self.remaining = 5000
        self.reset_s = 0
        """When the limit is set anew, in seconds since the epoch."""
        self._history: dict[str, list[dict[str, Any]]] = {}
        app = web.Application()
        app.router.add_get("/repos/{owner}/{repo}/commits/{ref}", self._commit)
        app.router.add_get("/rate_limit", self._rate_limit)
        app.router.add_get("/repos/{owner}/{repo}/compare/{range}", self._compare)
        super().__init__(app)

    def add(self, repository: str, *commits: dict[str, Any]) -> None:
        """Let `repository` have these commits after those that it has."""
        self._history.setdefault(repository, []).extend(commits)

    async def _commit(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        for commit in self._commits(request):
            if commit["sha"] == request.match_info["ref"]:
                return self._answer(commit)
        return self._answer(
            {"message": f"No commit found for SHA: {request.match_info['ref']}"}, 422
        )

    async def _compare(self, request: web.Request) -> web.Response:
        refused = self._refused(request)
        if refused is not None:
            return refused
        shas = [commit["sha"] for commit in self._commits(request)]
        base, _, head = request.match_info["range"].partition("...")
        if base not in shas or head not in shas:
            return self._answer({"message": "Not Found"}, 404)
        start, end = shas.index(base) + 1, shas.index(head) + 1
        between = self._commits(request)[start:end]
        page, size = int(request.query.get("page", 1)), int(request.query.get("per_page", 30))
        shown = between[(page - 1) * size : page * size]
        return self._answer(
            {
                "status": "ahead" if between else "behind",
                "total_commits": len(between),
                "commits": [
                    {key: value for key, value in commit.items() if key not in ("files", "stats")}
                    for commit in shown
                ],
                "files": [],
            }
        )

    async def _rate_limit(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"message": "Bad credentials"}, status=401)
        return self._answer({"rate": {"remaining": self.remaining}})

    def _commits(self, request: web.Request) -> list[dict[str, Any]]:
        info = request.match_info
        return self._history.get(f"{info['owner']}/{info['repo']}", [])

    def _refused(self, request: web.Request) -> web.Response | None:
        self.asked.append(request.rel_url.raw_path)
        if self.answers:
            return self.answers.pop(0)
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"message": "Bad credentials"}, status=401)
        if self.remaining == 0:
            return self._answer({"message": "API rate limit exceeded for user ID 7."}, 403)
        self.remaining -= 1
        if not self._commits(request):
            return self._answer({"message": "Not Found"}, 404)
        return None

    def _answer(self, body: dict[str, Any], status: int = 200) -> web.Response:
        headers = {
            "X-RateLimit-Limit": "5000",
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset_s),
            "X-RateLimit-Resource": "core",
        }
        return web.json_response(body, status=status, headers=headers)
