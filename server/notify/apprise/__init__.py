"""The channel Apprise: chats, phones and pagers that its library knows."""
