"""The vocabulary of the seeded conversations: Chinese as customers and agents write it, some English among it."""

from __future__ import annotations

from random import Random

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红健宁晨雨欣怡子涵浩然"
ENGLISH = ("Alice Brown", "Tom Fischer", "Maria Rossi", "James Carter", "Emma Wilson", "Noah Schmidt")
REGIONS = (
    "浙江省杭州市西湖区",
    "广东省深圳市南山区",
    "上海市浦东新区",
    "北京市朝阳区",
    "四川省成都市武侯区",
    "湖北省武汉市洪山区",
)
GOODS = (
    "智能电饭煲 4L", "无线吸尘器", "真无线蓝牙耳机", "羊毛混纺大衣", "不锈钢保温杯 500ml", "儿童安全座椅",
    "空气炸锅 5L",
    "USB-C charger 65W", "机械键盘", "筋膜枪", "婴儿推车", "Espresso machine", "登山背包 40L", "乳胶枕", "扫地机器人",
)  # fmt: skip
# Words customers search for; the rarer half of a word list is what a search box gets.
TOPICS = (
    "漏水", "异响", "掉色", "发票", "换货", "退款", "充电", "屏幕", "尺码", "说明书", "保修", "优惠券", "赠品", "配件",
    "安装",
    "色差", "开线", "异味", "断电", "卡顿", "划痕", "少件", "错发", "延迟", "拒收", "改地址", "积分", "会员", "维修",
    "质检",
)  # fmt: skip
LATIN = ("charger", "adapter", "warranty", "invoice", "bluetooth", "firmware", "refund", "scratch", "battery", "zipper")
# Two hundred words in the three bands of bench/desk/searching.py. Frequent ones stand in the sentences below, each in
# one of fifty or more; the signs of the others in no other word or name here.
FREQUENT = (
    "物流", "漏水", "异响", "掉色", "发票", "换货", "登记", "处理", "情况", "照片", "您好", "麻烦", "帮忙", "请问",
    "怎么", "已经", "收到", "发现", "包装", "里面", "上周", "一直", "没有", "回复", "质量", "失望", "希望", "尽快",
    "说法", "今天", "下班", "答复", "关于", "可以", "重新", "运费", "承担", "核实", "属于", "保修", "范围", "谢谢",
    "耐心", "仓库", "明天", "进展", "消息", "还是", "解决", "补充", "问题", "知道", "具体", "时候", "联系", "信息",
    "客服", "邮件", "我们", "直接",
)  # fmt: skip
MEDIUM = tuple(one + other for one in "藤柚橡榉椴榆" for other in "纹釉漆膜胎绒绸麻棉毡")
RARE = tuple(one + other for one in "鹤鹿鲸鹭鸢鹰鲤鹅鸽鹊" for other in "铃塔舟桥亭灯窗帘")
NOWHERE = tuple(one + other for one in "嵩衡泰恒" for other in "鼎簋罍觥")
MEDIUM_SHARE, RARE_SHARE = 0.3, 0.004  # of what people write: each word half a percent, one in twenty thousand
COMMON = "物流"
COMMON_SHARE = 0.28  # of what people write: a fifth of all messages, acknowledgements included
LATIN_SHARE = 0.04
OPENINGS = (
    "您好，我买的{good}有{topic}的问题，麻烦帮忙看一下。",
    "请问{good}的{topic}怎么处理？我已经等了三天了。",
    "收到{good}以后发现{topic}，外包装是好的，里面的情况见照片。",
    "上周下的单，{good}，{topic}这件事一直没有人回复我。",
    "{good}用了两天就{topic}，这个质量让人失望，希望尽快给个说法。",
)
ANSWERS = (
    "您好，{topic}的情况我已经登记，会在今天下班前给您答复。",
    "给您添麻烦了。关于{topic}，我们可以为您重新寄一件，运费由我们承担。",
    "已经为您核实，{good}的{topic}属于保修范围，请把照片发给我们。",
    "谢谢您的耐心。仓库回复说{topic}已经处理，明天会有新的进展。",
)
FOLLOW_UPS = (
    "好的，那我等您的消息。",
    "{topic}还是没有解决，我再补充几张照片。",
    "谢谢，收到了，这次没有问题。",
    "我想知道具体什么时候能处理完？",
    "行，那就先这样，有事我再联系你们。",
)
LOGISTICS = ("物流信息两天没有更新了。", "麻烦催一下物流。", "物流显示已签收，但是我没有收到。", "物流太慢了。")
NOTES = ("客户情绪比较着急，优先处理。", "已电话联系仓库，等对方确认{topic}。", "同一问题第二次反馈，请注意。")
ACKNOWLEDGEMENT = "您好，您的问题我们已经收到，客服会尽快回复您。您可以直接回复这封邮件补充信息。"
MOST_TAILS, SHARE_A_TAIL = 10_000, 40
PREFIXES = ("135", "136", "138", "139", "150", "151", "158", "159", "186", "188")


def person_name(pick: Random) -> str:
    """Return a name; one in twenty is English."""
    if pick.random() < 0.05:
        return pick.choice(ENGLISH)
    return pick.choice(SURNAMES) + "".join(pick.sample(GIVEN, pick.choice((1, 2, 2))))


def phone_of(customer_id: int, tails: int = MOST_TAILS) -> str:
    """Return a customer's phone in E.164; every customer's own (7919 has no factor in common with ten).

    Its last four digits are one of `tails`.
    """
    head, tail = divmod((customer_id * 7919 + 20_261_121) % 100_000_000, MOST_TAILS)
    return f"+86{PREFIXES[customer_id % len(PREFIXES)]}{head:04d}{tail % tails:04d}"


def tails_of(people: int) -> int:
    """Return how many endings the phones of a company have: as many people share one as in the company of a million
    tickets, so that a look-up by the last four digits shows the same page of orders at every size."""
    return min(MOST_TAILS, max(1, people // SHARE_A_TAIL))


def people_of(tickets: int) -> int:
    """Return how many customers a company has by its tickets."""
    return max(200, tickets * 4 // 10)


def sentence(pick: Random, kinds: tuple[str, ...]) -> str:
    """Return one message: a fifth speak of logistics, a few hold an English word."""
    text = pick.choice(kinds).format(good=pick.choice(GOODS), topic=topic(pick))
    if pick.random() < COMMON_SHARE:
        text += pick.choice(LOGISTICS)
    if pick.random() < MEDIUM_SHARE:
        text += f"款式是{pick.choice(MEDIUM)}。"
    if pick.random() < RARE_SHARE:
        text += f"花样是{pick.choice(RARE)}。"
    if pick.random() < LATIN_SHARE:
        text += f" ({pick.choice(LATIN)} model {pick.randrange(100, 999)})"
    return text


def topic(pick: Random) -> str:
    """Return what a message is about, the first ones far more often than the last."""
    return (
        TOPICS[min(int(pick.paretovariate(0.6)) - 1, len(TOPICS) - 1)] if pick.random() < 0.7 else pick.choice(TOPICS)
    )
