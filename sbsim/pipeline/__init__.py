"""The components wired once: inputs in, actions out. Simulation and live drive this same object; nothing here knows which."""
