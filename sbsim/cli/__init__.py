"""The command line: one file per command. The only room that prints, exits or reads the date."""
