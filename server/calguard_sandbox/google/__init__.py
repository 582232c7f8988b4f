"""Google: OAuth 2, OpenID certificates and the Calendar API v3."""
