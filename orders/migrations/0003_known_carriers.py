"""Carriers everybody ships with, under the codes the tracking provider uses."""

from django.db import migrations

CARRIERS = [
    ("shunfeng", "顺丰速运", "SF Express", "95338"),
    ("zhongtong", "中通快递", "ZTO Express", "95311"),
    ("yuantong", "圆通速递", "YTO Express", "95554"),
    ("shentong", "申通快递", "STO Express", "95543"),
    ("yunda", "韵达快递", "Yunda Express", "95546"),
    ("jd", "京东物流", "JD Logistics", "950616"),
    ("ems", "EMS", "EMS", "11183"),
    ("jtexpress", "极兔速递", "J&T Express", "956025"),
    ("youzhengguonei", "邮政快递包裹", "China Post", "11183"),
    ("other", "其他快递", "Other carrier", ""),
]


def add_carriers(apps, schema_editor):
    carrier = apps.get_model("orders", "Carrier")
    for code, name, name_en, hotline in CARRIERS:
        carrier.objects.get_or_create(code=code, defaults={"name": name, "name_en": name_en, "hotline": hotline})


def remove_carriers(apps, schema_editor):
    apps.get_model("orders", "Carrier").objects.filter(code__in=[row[0] for row in CARRIERS]).delete()


class Migration(migrations.Migration):
    """Seed the carriers; a company adds its own in the settings."""

    dependencies = [("orders", "0002_hooks_and_import_counts")]

    operations = [migrations.RunPython(add_carriers, remove_carriers)]
