"""SMS by Tencent Cloud (腾讯云短信), API 2021-01-11."""
