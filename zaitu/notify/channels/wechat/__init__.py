"""WeChat service accounts 公众号: template messages and subscription notices; and what mini-programs share with them."""
