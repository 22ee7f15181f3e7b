"""What people press in Slack: how it arrives, and how it is done."""
