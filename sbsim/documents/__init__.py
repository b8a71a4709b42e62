"""Documents: what files say, where they say it, and what is wrong with it. This room knows no scenario and no setting."""
