"""SMS by Aliyun Dysms (阿里云短信服务), API 2017-05-25."""
