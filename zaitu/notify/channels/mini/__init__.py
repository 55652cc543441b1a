"""WeChat mini-programs: subscription messages 小程序订阅消息."""
