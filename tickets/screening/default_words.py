"""The word lists that come with the product. Supervisors edit copies; these never change under them."""

from tickets.quality_enums import Rule

_RUDE_ZH = """
傻逼
傻瓜
白痴
脑残
智障
神经病 ! 神经病学
有病 ! 有病虫 | 有病菌 | 没有病 | 有病人 | 所有病
脑子有问题
脑子进水
滚开
滚蛋
给我滚 ! 给我滚筒 | 给我滚动 | 给我滚轮
你滚 ! 你滚动 | 你滚筒
闭嘴
废话 ! 不说废话 | 不多说废话
胡说八道
胡搅蛮缠
无理取闹
你瞎
眼瞎
瞎了吗
没素质
没教养
不要脸
你有完没完
烦死了 ! 让您*烦死了
烦不烦
真烦
太蠢
愚蠢
你蠢
穷鬼
买不起就别
没钱就别
贪小便宜
占便宜 ! 不占便宜 | 没占便宜
活该
想得美
呵呵 ! 笑呵呵 | 乐呵呵 | 呵呵护 | 呵呵哒
丢人现眼
有毛病 ! 有毛病的话 | 机器*有毛病 | 没有毛病 | 产品*有毛病 | 什么毛病
"""
_RUDE_EN = """
stupid
idiot
moron
dumb
shut up
get lost
screw you
damn you
what the hell
bullshit
you people
cheapskate
are you blind
are you deaf
can't you read
"""
_DISMISSIVE_ZH = """
不知道 ! 知不知道 | 您*不知道 | 不知道您 | 你*不知道 | 不知道你 | 不知道是否 | 不知道能否 | 不知道可否 | 不知道方便 | 顾客*不知道 | 客户*不知道 | 大家*不知道 | 不知道什么原因 | 不知道这样 | 不知道的话 | 不知道如何*您 | 不知道怎么*请
关我什么事
关我啥事
不关我的事
不关我们的事
跟我没关系
跟我们没关系
和我们没关系
与我无关
与我们无关 ! 与我们无关联
不归我管
我管不了
我们管不了
管不着
爱买不买
爱要不要
爱退不退
爱信不信
爱等不等
随你便
随便你
随便您 ! 随便您什么时候 | 随便您选 | 随便您挑
去投诉吧
你去投诉
您去投诉 ! 您去投诉平台
投诉也没用
投诉我也没用
说了多少遍
说过多少遍
说了几遍
跟你说过了
跟您说过了
不会自己看
自己不会看
自己看 ! 您*自己看 | 可以自己看 | 方便自己看
看不懂吗
听不懂吗
听不懂人话
不识字
急什么
催什么
催也没用
催我也没用
别催了
等着吧
慢慢等吧
你想怎样
您想怎样 ! 您想怎样处理
到底想怎么样
自己想办法
自己的问题 ! 不是*自己的问题 | 我们自己的问题 | 产品自己的问题
这很难理解吗
懒得 ! 懒得跑 | 懒得拆
没空 ! 您没空 | 没空的话 | 如果*没空 | 若*没空 | 您*没空
能怎么办
不想要就退 ! 如果不想要就退
"""  # noqa: E501 - an entry is one line
_DISMISSIVE_EN = """
not my problem
not our problem
not my job
not my business
none of my business
i don't care
we don't care
i have no idea
whatever ! whatever you | whatever the | whatever is | whatever size | whatever reason | whatever works | whatever colour | whatever color | or whatever
i don't know ! i don't know * yet | so i don't know | i don't know the exact | i don't know exactly | i don't know when | i don't know which
deal with it ! i'll deal with it | will deal with it | we deal with it | to deal with it | can deal with it
figure it out yourself
as i already told you
as i already said
how many times
read the manual
stop asking
stop complaining
your own fault
your fault ! not your fault | isn't your fault | wasn't your fault
take it or leave it
go ahead and complain
calm down
so what
"""  # noqa: E501 - an entry is one line
_CONTACT_ZH = """
加我微信
加我的微信
加一下我的微信
加一下微信
加个微信
加微信 ! 官方*加微信 | 加微信公众号 | 加微信客服号
加我企鹅
加我QQ
加我的QQ
加QQ ! 加QQ群号为骗
加我VX
加我wx
加V信
加我薇
加薇信
加威信
我的微信号 ! 您*我的微信号
我的微信是
我微信号
我微信是
微信号是
我的QQ
我QQ是
扫我的码
扫我二维码
扫我的二维码
私聊
私信我
私下转
私下给您
私下联系
私下解决
私下处理
打我手机
打我电话
打我私人
我的手机号
我手机号
我的私人
我个人电话
我的个人电话
我的个人微信
我的个人手机
直接转我
转到我的支付宝
"""
_CONTACT_EN = """
add me on wechat
add my wechat
my wechat
my whatsapp
whatsapp me
add me on whatsapp
text me at
call me at
my personal number
my personal phone
my personal email
my private number
my private email
my own number
message me privately
my telegram
my qq
"""
_GREETING_ZH = """
您好
你好
亲
早上好
上午好
中午好
下午好
晚上好
尊敬的
感谢您
谢谢您
感谢联系
欢迎
很抱歉
非常抱歉
抱歉
让您久等
先生
女士
哈喽
嗨
"""
_GREETING_EN = """
hi
hello
dear
good morning
good afternoon
good evening
greetings
hey
thank you
thanks
we are sorry
we're sorry
i am sorry
i'm sorry
sorry
"""


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line for line in text.strip().splitlines() if line)


DEFAULT_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    Rule.RUDE: {"zh": _lines(_RUDE_ZH), "en": _lines(_RUDE_EN)},
    Rule.DISMISSIVE: {"zh": _lines(_DISMISSIVE_ZH), "en": _lines(_DISMISSIVE_EN)},
    Rule.CONTACT: {"zh": _lines(_CONTACT_ZH), "en": _lines(_CONTACT_EN)},
    Rule.GREETING: {"zh": _lines(_GREETING_ZH), "en": _lines(_GREETING_EN)},
}
