"""Programs with unusual things in them: each is differentiated rightly, or refused in words that help."""
