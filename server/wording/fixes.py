"""What a deploy did about the cause of an incident, in words. Pure."""

from server.storage.main.fixes import Fix, NamedCommit


def say_fix(fix: Fix) -> str:
    """Say it in a sentence."""
    deploy = f"Deploy {fix.release or fix.deploy_id[:10]}"
    suspect = f"the suspect commit {_named(fix.suspect)}"
    if fix.reverted_by is None:
        return f"{deploy} goes back to what ran before {suspect}."
    by = f" by {fix.reverted_by.author}" if fix.reverted_by.author else ""
    return f"{deploy} brings {fix.reverted_by.commit_id[:10]}{by}, which reverts {suspect}."


def _named(commit: NamedCommit) -> str:
    subject = f" “{commit.subject}”" if commit.subject else ""
    return f"{commit.commit_id[:10]}{subject}"
