"""DingTalk 钉钉: a robot in a staff group."""
