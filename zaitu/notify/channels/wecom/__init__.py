"""WeCom 企业微信: a robot in a staff group."""
