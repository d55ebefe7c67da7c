"""Reports as web pages and notebook cards."""
