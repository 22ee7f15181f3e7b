"""What a deploy did about an incident, in words. Pure."""

from server.storage.main.fixes import Fix, NamedCommit
from server.wording.formats import utc


def say_fix(fix: Fix) -> str:
    """Say it in a sentence."""
    if fix.suspect is None:
        return ": ".join(say_live(fix))
    deploy = f"Deploy {fix.release or fix.deploy_id[:10]}"
    suspect = f"the suspect commit {_named(fix.suspect)}"
    if fix.reverted_by is None:
        return f"{deploy} goes back to what ran before {suspect}."
    by = f" by {fix.reverted_by.author}" if fix.reverted_by.author else ""
    return f"{deploy} brings {fix.reverted_by.commit_id[:10]}{by}, which reverts {suspect}."


def say_live(fix: Fix) -> tuple[str, str]:
    """Say that a fix is live, and by which deploy, before and after the colon of the sentence.

    An incident may have other issues, whose fix it is not.
    """
    of_some = f" of {fix.issues} of {fix.of_issues} issues" if fix.issues < fix.of_issues else ""
    deployed = f"was deployed at {utc(fix.deploy_time)}."
    return f"The fix{of_some} is live", f"release {fix.release or fix.deploy_id[:10]} {deployed}"


def _named(commit: NamedCommit) -> str:
    subject = f" “{commit.subject}”" if commit.subject else ""
    return f"{commit.commit_id[:10]}{subject}"
