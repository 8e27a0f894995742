"""The catalogue of Larkmere, a company that does not exist: what it sells and how it looks.

Plain data, importable without Blender: `render.py` makes the pictures from `family` and
`params`, `write.py` makes the catalogue files from the words. Four pairs are look-alikes that
share a `seed`, so that they differ in nothing but what their `params` say.
"""

PRODUCTS = []


def product(id, slug, title, category, price, family, params, description, questions, attrs,
            seed=None, images=None, photos=None):
    PRODUCTS.append({
        "id": id, "slug": slug, "title": title, "category": category, "price": price,
        "family": family, "params": params, "seed": seed or id,
        "description": " ".join(description.split()), "questions": questions, "attributes": attrs,
        "images": images, "photos": photos})


# --- energy ----------------------------------------------------------------------------------

product(
    "LM-HB13", "hearth-13", "Hearth 13 Home Battery", "Home energy", "€6,490", "wall_battery",
    dict(colour="white", accent="graphite", w=62, h=104, d=15, r=9, style="band", led="bar", led_colour="6fe08a", conduit=True),
    """The Hearth 13 stores solar energy for a whole household and hangs on an inside or outside
    wall. It holds 13.5 kWh of usable energy. It delivers 5 kW continuously and 7 kW for ten
    seconds. The battery weighs 118 kg and needs a wall that carries 200 kg. It measures 62 by 104
    by 15 cm. The housing is rated IP55 and works from -10 to 45 °C. During a power cut it takes
    over in 0.2 seconds. It has a ten-year warranty that promises 70 % of the capacity at the end.
    A licensed electrician must install it. Wipe the front with a damp cloth only.""",
    [("How much energy can this store?", "13.5 kWh"), ("What protection rating does the housing have?", "IP55")],
    {"model_number": "HB-13W", "colour": "white with graphite band", "capacity": "13.5 kWh", "power": "5 kW continuous",
     "weight": "118 kg", "dimensions": "62 x 104 x 15 cm", "water_resistance": "IP55", "warranty": "10 years",
     "in_the_box": "battery, wall bracket, cable conduit, installation guide"})

product(
    "LM-CW7", "plume-7", "Plume 7 Car Charger", "Home energy", "€749", "ev_charger",
    dict(colour="graphite", accent="lime", w=20, h=32, d=10, plan="round"),
    """The Plume 7 charges an electric car at home from a single-phase supply. It gives up to
    7.4 kW, which adds about 40 km of range an hour. The fixed cable is 6 m long and ends in a
    Type 2 plug. The charger measures 20 by 32 by 10 cm and weighs 4.2 kg with its cable. It is
    rated IP65, so it may hang outdoors in the rain. A built-in sensor watches for DC leakage of
    6 mA. It starts at a time you set in the Larkmere Home app. The warranty is five years. It
    must be fitted by a licensed electrician.""",
    [("How long is the cable on this charger?", "6 m")],
    {"model_number": "CW-7", "colour": "graphite with lime cable", "power": "7.4 kW", "cable_length": "6 m", "plug": "Type 2",
     "weight": "4.2 kg", "dimensions": "20 x 32 x 10 cm", "water_resistance": "IP65", "warranty": "5 years",
     "in_the_box": "charger, wall plate, four screws, two RFID cards"})

product(
    "LM-PS600", "ox-600", "Ox 600 Power Station", "Home energy", "€579", "power_station",
    dict(colour="black", accent="orange", w=31, h=20, d=20, bright_handle=True, sockets=2),
    """The Ox 600 is a portable power station for camping, workshops and power cuts. It stores
    614 Wh in lithium iron phosphate cells that last 3,000 charges. Two mains sockets give 600 W
    together. Three USB-C ports charge phones and laptops, and the fastest of them gives 100 W. It
    weighs 7.8 kg. It recharges from the wall in 70 minutes, or from a 200 W solar panel in about
    four hours. The fan stays silent below 150 W. It isn't waterproof, so keep it out of the rain.
    The warranty is five years. Store it half full if you won't use it for months.""",
    [("How heavy is this thing? I want to take it camping.", "7.8 kg")],
    {"model_number": "PS-600", "colour": "black and orange", "capacity": "614 Wh", "power": "600 W",
     "ports": "2 mains sockets, 3 USB-C", "weight": "7.8 kg", "charging_time": "70 minutes",
     "water_resistance": "none", "warranty": "5 years", "in_the_box": "power station, mains cable, car charging cable"})

product(
    "LM-PB10", "pebble-10", "Pebble 10 Power Bank", "Charging", "€29", "power_bank",
    dict(colour="teal", accent="orange", w=7.2, len=14, h=2.3, r=1.5, stripe=False, ports=1, usb_a=False, leds=4, label="10 000"),
    """The Pebble 10 is a pocket power bank for one phone. It holds 10 000 mAh, enough to charge
    most phones twice. It has one USB-C port, which both charges the phone and refills the power
    bank. The port gives up to 20 W. Refilling takes two and a half hours. It weighs 215 g and
    measures 14 by 7.2 by 2.3 cm. Four white lights show the charge when you press the side
    button. It may be carried in an aircraft cabin, as it holds 37 Wh. It isn't waterproof. The
    warranty is two years. A 30 cm USB-C cable is in the box.""",
    [("How many ports does this power bank have and how much power do they give?", "one USB-C port"),
     ("Can I charge my phone more than once with this one?", "10 000 mAh")],
    {"model_number": "PB-10", "colour": "teal", "capacity": "10 000 mAh", "ports": "1 USB-C", "power": "20 W", "weight": "215 g",
     "dimensions": "14 x 7.2 x 2.3 cm", "water_resistance": "none", "warranty": "2 years", "in_the_box": "power bank, 30 cm USB-C cable"},
    seed="pebble")

product(
    "LM-PB20", "pebble-20", "Pebble 20 Duo Power Bank", "Charging", "€49", "power_bank",
    dict(colour="teal", accent="orange", w=7.2, len=14, h=2.3, r=1.5, stripe=True, ports=2, usb_a=False, leds=4, label="20 000"),
    """The Pebble 20 Duo is the power bank for two devices at once, and the orange stripe tells it
    from the smaller Pebble 10. It holds 20 000 mAh, enough to charge most phones four times. It
    has two USB-C ports. One port alone gives up to 45 W, which is enough for a small laptop, and
    both together give 30 W. Refilling takes four hours. It weighs 355 g. Four white lights show
    the charge when you press the side button. It may be carried in an aircraft cabin, as it
    holds 74 Wh. It isn't waterproof. The warranty is two years. A 30 cm USB-C cable and a felt
    pouch are in the box.""",
    [("Would this charge a small laptop?", "45 W"), ("How long does it take to refill this power bank?", "four hours")],
    {"model_number": "PB-20", "colour": "teal with orange stripe", "capacity": "20 000 mAh", "ports": "2 USB-C", "power": "45 W",
     "weight": "355 g", "water_resistance": "none", "warranty": "2 years", "in_the_box": "power bank, 30 cm USB-C cable, felt pouch"},
    seed="pebble")

product(
    "LM-SP1", "button-plug", "Button Smart Plug", "Smart home", "€19", "smart_plug",
    dict(colour="lilac", accent="ffffff", r=3.0, h=4.0, square=False),
    """The Button switches a lamp or a coffee machine from your phone and measures what it uses.
    It carries up to 13 A, which is 3,000 W. It works with Matter over Wi-Fi and needs no hub. A
    ring of light around the socket shows whether it is on. The button on top switches it by hand.
    It measures 6 cm across and weighs 74 g. It is for indoor use only. It draws 0.6 W when idle.
    It switches itself off if it becomes hotter than 75 °C. The warranty is two years. Don't plug
    one Button into another.""",
    [("What is the biggest load I can plug into this?", "3,000 W")],
    {"model_number": "SP-1", "colour": "lilac", "max_load": "3,000 W", "connectivity": "Wi-Fi, Matter", "weight": "74 g",
     "water_resistance": "indoor use only", "warranty": "2 years", "in_the_box": "smart plug, quick guide"},
    images=[dict(az=-0.5, el=0.3), dict(az=0.55, el=0.12)],
    photos=[dict(az=0.35, el=0.45, light="window", ground="table", clutter=1)])

# --- robots ----------------------------------------------------------------------------------

product(
    "LM-RV3", "drift-3", "Drift 3 Robot Vacuum", "Robots", "€279", "robot_vacuum",
    dict(colour="white", accent="copper", r=17, h=7.8, dshape=False, stripe=False, turret=False, led_colour="58b9ff"),
    """The Drift 3 vacuums hard floors and short carpets by itself. It finds its way with a camera
    in the lid and a bumper. It runs for 110 minutes on one charge and covers about 120 square
    metres. Suction is 3,000 Pa. The dust box holds 0.45 litres. It is 7.8 cm high, so it passes
    under most sofas. It weighs 3.1 kg. Rinse the filter every week and let it dry for a day.
    Replace the side brush every six months. It doesn't mop. The warranty is two years. The dock,
    one spare filter and a cleaning brush are in the box.""",
    [("How tall is this vacuum, will it fit under my sofa?", "7.8 cm"), ("How often do I have to rinse the filter of this one?", "every week")],
    {"model_number": "RV-3", "colour": "white", "navigation": "camera", "battery_life": "110 minutes", "suction": "3,000 Pa",
     "capacity": "0.45 litres", "weight": "3.1 kg", "warranty": "2 years", "in_the_box": "robot, dock, spare filter, cleaning brush"},
    seed="drift", images=[dict(az=-0.4, el=0.55), dict(az=0.6, el=0.85)])

product(
    "LM-RV3L", "drift-3-lidar", "Drift 3 Lidar Robot Vacuum", "Robots", "€399", "robot_vacuum",
    dict(colour="white", accent="copper", r=17, h=7.8, dshape=False, stripe=True, turret=True, led_colour="58b9ff"),
    """The Drift 3 Lidar is the Drift 3 with a laser turret on its lid and a copper stripe around
    its side. The laser maps a home in eight minutes, even in the dark. It runs for 150 minutes on
    one charge and covers about 180 square metres. Suction is 5,000 Pa. The dust box holds 0.45
    litres. With its turret it is 10.6 cm high. It weighs 3.5 kg. It mops too, with a 0.2 litre
    water tank that clips on below. Rinse the filter every week. The warranty is three years. The
    dock, two mop pads, one spare filter and a cleaning brush are in the box.""",
    [("How long does this robot clean on one charge?", "150 minutes"), ("Can this one mop as well?", "mops")],
    {"model_number": "RV-3L", "colour": "white with copper stripe", "navigation": "laser turret", "battery_life": "150 minutes",
     "suction": "5,000 Pa", "capacity": "0.45 litres", "weight": "3.5 kg", "warranty": "3 years",
     "in_the_box": "robot, dock, two mop pads, spare filter, cleaning brush"},
    seed="drift", images=[dict(az=-0.4, el=0.5), dict(az=0.6, el=0.8)])

product(
    "LM-LR2", "meadow-2", "Meadow 2 Lawn Robot", "Robots", "€1,190", "lawn_robot",
    dict(colour="forest green", accent="yellow", l=60, w=40, h=24, e=0.6),
    """The Meadow 2 keeps lawns of up to 800 square metres short without a boundary wire. It finds
    its place by satellite, to within 2 cm. It climbs slopes of 40 %. The cutting height is set in
    the app between 20 and 60 mm. It mows for 75 minutes and then charges for 60 minutes. It is
    rated IPX5, so you may rinse it with a garden hose, but not with a pressure washer. The red
    stop button on its back halts the blades at once. It weighs 12.4 kg. Change the three blades
    every two months. The warranty is three years.""",
    [("How steep a slope can it climb?", "40 %")],
    {"model_number": "LR-2", "colour": "forest green with yellow wheels", "area": "800 square metres", "battery_life": "75 minutes",
     "cutting_height": "20 to 60 mm", "weight": "12.4 kg", "water_resistance": "IPX5", "warranty": "3 years",
     "in_the_box": "robot, charging station, satellite antenna, nine blades"},
    images=[dict(az=-0.6, el=0.4), dict(az=0.9, el=0.55)])

product(
    "LM-DR6", "porter-6", "Porter 6 Delivery Robot", "Robots", "€4,200", "delivery_robot",
    dict(colour="sky blue", accent="white", l=70, w=50, h=40, wheels=6, mast=True, flag_colour="orange"),
    """The Porter 6 carries shopping along pavements on six wheels. Its locked box holds 45 litres
    or 15 kg. It drives at up to 6 km/h and climbs kerbs of 15 cm. One charge lasts for 18 km. The
    lid opens only with a code on the customer's phone. An orange flag and lights on the front and
    back make it visible. It is rated IP54 and drives in rain and light snow. Empty, it weighs
    32 kg. The battery is swapped without tools in a minute. The warranty is two years. Clean the
    box with warm water and mild soap.""",
    [("How much can this little robot carry?", "15 kg")],
    {"model_number": "DR-6", "colour": "sky blue and white", "capacity": "45 litres or 15 kg", "range": "18 km", "speed": "6 km/h",
     "weight": "32 kg", "water_resistance": "IP54", "warranty": "2 years", "in_the_box": "robot, battery, charger, flag"},
    images=[dict(az=-0.65, el=0.3), dict(az=0.8, el=0.45)])

# --- light -----------------------------------------------------------------------------------

product(
    "LM-DL1", "heron-round", "Heron Desk Lamp", "Lighting", "€89", "desk_lamp",
    dict(colour="black", accent="silver", base="round", lean=0.35, arm1=24, arm2=22, up=0.55, twin=True, nod=-0.3, head="cone"),
    """The Heron is a jointed desk lamp on a round black base with silver joints. Its LED gives 800
    lumens and uses 9 W. Touch the head to step through four levels of brightness. The light is
    warm white at 3000 K. The arms reach 45 cm. The round base weighs 1.9 kg and keeps the lamp
    steady. The cable is 1.8 m long. The LED is rated for 25,000 hours and can be replaced. Wipe
    the lamp with a dry cloth. It is for dry rooms only. The warranty is three years.""",
    [("How bright is this lamp?", "800 lumens"), ("How long is the power cable of this lamp?", "1.8 m")],
    {"model_number": "DL-1R", "colour": "black with silver joints", "brightness": "800 lumens", "power": "9 W", "light_colour": "3000 K",
     "cable_length": "1.8 m", "base": "round, 1.9 kg", "warranty": "3 years", "in_the_box": "lamp, power adapter"},
    seed="heron", images=[dict(az=-0.35, el=0.25), dict(az=0.5, el=0.4)])

product(
    "LM-DL1Q", "heron-brass", "Heron Brass Desk Lamp", "Lighting", "€119", "desk_lamp",
    dict(colour="black", accent="brass", base="square", lean=0.35, arm1=24, arm2=22, up=0.55, twin=True, nod=-0.3, head="cone"),
    """The Heron Brass is the Heron desk lamp on a square brass base with brass joints. Its LED
    gives 1,000 lumens and uses 11 W. Turn the ring on the head to dim it without steps. The light
    can be set from 2700 to 5000 K. The arms reach 45 cm. The square base weighs 2.6 kg and has a
    USB-C port at the back that gives 15 W. The cable is 2.2 m long. The LED is rated for 25,000
    hours and can be replaced. Polish the brass with a soft dry cloth only. It is for dry rooms
    only. The warranty is five years.""",
    [("Does this lamp have a USB port?", "USB-C port"), ("How do I clean the base of this lamp?", "soft dry cloth")],
    {"model_number": "DL-1Q", "colour": "black with brass base", "brightness": "1,000 lumens", "power": "11 W",
     "light_colour": "2700 to 5000 K", "cable_length": "2.2 m", "base": "square, 2.6 kg", "ports": "1 USB-C", "warranty": "5 years",
     "in_the_box": "lamp, power adapter, polishing cloth"},
    seed="heron", images=[dict(az=-0.35, el=0.25), dict(az=0.5, el=0.4)])

product(
    "LM-TL2", "chanterelle", "Chanterelle Table Lamp", "Lighting", "€65", "mushroom_lamp",
    dict(colour="coral", r=12.5, h=26, stem="flare", tall=0.75),
    """The Chanterelle is a small table lamp of coral glass that glows from within. It stands 28 cm
    tall and is 25 cm wide. It takes one E14 bulb of at most 25 W, and a 4 W LED bulb is in the
    box. The brass knob on top dims it. The cable is covered in black fabric and is 2 m long. The
    glass is blown by mouth, so small bubbles are no fault. It weighs 1.4 kg. Clean it with a soft
    cloth and a little glass cleaner when it is cold. The warranty is two years.""",
    [("Which bulb does this lamp need?", "E14")],
    {"model_number": "TL-2", "colour": "coral", "bulb": "E14, at most 25 W", "cable_length": "2 m", "weight": "1.4 kg",
     "dimensions": "28 x 25 cm", "warranty": "2 years", "in_the_box": "lamp, 4 W LED bulb"},
    images=[dict(az=-0.3, el=0.15), dict(az=0.5, el=0.4)])

# --- sound -----------------------------------------------------------------------------------

product(
    "LM-HP5", "hush-5", "Hush 5 Headphones", "Audio", "€229", "headphones",
    dict(colour="navy", accent="tan", trim="copper", w=16.5, r=4.3, top=16.5, tip=-0.1, cup="oval"),
    """The Hush 5 are wireless over-ear headphones that silence trains and open-plan offices. The
    battery lasts 38 hours with noise cancelling and 50 hours without. Ten minutes of charging
    give five hours of music. They connect by Bluetooth 5.3 to two devices at once. They weigh
    254 g. The tan ear cushions pull off and can be replaced. They aren't waterproof, so don't
    wear them in the rain. A 3.5 mm socket takes a cable when the battery is empty. The warranty
    is two years. A hard case, a USB-C cable and an audio cable are in the box.""",
    [("How many hours does the battery last with noise cancelling?", "38 hours")],
    {"model_number": "HP-5", "colour": "navy with tan cushions", "battery_life": "38 hours", "connectivity": "Bluetooth 5.3",
     "weight": "254 g", "water_resistance": "none", "ports": "USB-C, 3.5 mm", "warranty": "2 years",
     "in_the_box": "headphones, hard case, USB-C cable, audio cable"},
    images=[dict(az=-0.5, el=0.2), dict(az=0.85, el=0.3)])

product(
    "LM-EB2", "pip-2", "Pip 2 Earbuds", "Audio", "€99", "earbuds",
    dict(colour="mint", bud="white", w=6.4, d=4.2, h=3.0, open=70, stem=True, led="ffb04a"),
    """The Pip 2 are small wireless earbuds in a mint charging case. The buds play for 7 hours, and
    the case holds three more charges. They are rated IPX4, so sweat and rain do no harm. Each bud
    weighs 4.6 g. They come with ear tips in four sizes. Two microphones in each bud keep calls
    clear in wind. The case charges by USB-C or on a wireless pad. Press the stem to pause and
    hold it to switch noise cancelling on. Clean the tips with lukewarm water without soap. The
    warranty is two years.""",
    [("Can I run in the rain with these?", "IPX4")],
    {"model_number": "EB-2", "colour": "mint with white buds", "battery_life": "7 hours", "water_resistance": "IPX4",
     "weight": "4.6 g each", "ports": "USB-C", "warranty": "2 years", "in_the_box": "earbuds, case, ear tips in four sizes, USB-C cable"},
    images=[dict(az=-0.35, el=0.45), dict(az=0.5, el=0.3)])

product(
    "LM-SS1", "chorus", "Chorus Smart Speaker", "Audio", "€79", "smart_speaker",
    dict(colour="grey", shape="cylinder", r=6.4, h=15, ring=False, strap=False, ring_colour="ffc23a"),
    """The Chorus is a smart speaker in grey fabric with four touch keys on top. It plays with 20 W
    from one full-range driver. It needs mains power and has no battery. It connects by Wi-Fi and
    Bluetooth 5.0. Three microphones hear you across a room, and a switch at the back turns them
    off. Two Chorus speakers make a stereo pair. It is 15.5 cm tall and weighs 1.1 kg. Vacuum the
    fabric with a soft brush. It is for indoor use only. The warranty is two years. A 1.5 m power
    cable is in the box.""",
    [("Does this speaker have a battery?", "no battery"), ("How many watts does this speaker have?", "20 W")],
    {"model_number": "SS-1", "colour": "grey", "power": "20 W", "battery_life": "no battery", "connectivity": "Wi-Fi, Bluetooth 5.0",
     "weight": "1.1 kg", "water_resistance": "indoor use only", "warranty": "2 years", "in_the_box": "speaker, 1.5 m power cable"},
    seed="chorus", images=[dict(az=-0.35, el=0.3), dict(az=0.4, el=0.6)])

product(
    "LM-SS1G", "chorus-glow", "Chorus Glow Smart Speaker", "Audio", "€129", "smart_speaker",
    dict(colour="grey", shape="cylinder", r=6.4, h=15, ring=True, strap=False, ring_colour="ffc23a"),
    """The Chorus Glow is the Chorus speaker with an amber ring of light around its top. The ring
    dims and serves as a night light, and it shows when the speaker listens. It plays with 30 W
    from a driver and a tweeter. Its battery lasts 12 hours away from the wall. It connects by
    Wi-Fi and Bluetooth 5.3. Three microphones hear you across a room, and a switch at the back
    turns them off. It is 15.5 cm tall and weighs 1.4 kg. It is rated IPX2 against dripping water.
    The warranty is three years. A charging cradle with a 1.5 m cable is in the box.""",
    [("How long does the battery of this speaker last?", "12 hours"), ("What is in the box with this speaker?", "charging cradle")],
    {"model_number": "SS-1G", "colour": "grey with amber ring", "power": "30 W", "battery_life": "12 hours",
     "connectivity": "Wi-Fi, Bluetooth 5.3", "weight": "1.4 kg", "water_resistance": "IPX2", "warranty": "3 years",
     "in_the_box": "speaker, charging cradle with 1.5 m cable"},
    seed="chorus", images=[dict(az=-0.35, el=0.3), dict(az=0.4, el=0.6)])

product(
    "LM-KR1", "wren-radio", "Wren Kitchen Radio", "Audio", "€149", "radio",
    dict(colour="turquoise", accent="cream", w=27, h=16, d=9.5, r=4, side=1, aerial=13, handle=True),
    """The Wren is a kitchen radio in turquoise lacquer with a leather handle. It receives FM, DAB+
    and internet radio, and plays from a phone by Bluetooth. Eight stations can be saved. It runs
    from the mains, or for 15 hours on its battery. The speaker gives 12 W. It measures 27 by 16
    by 9.5 cm and weighs 1.9 kg. The dial lights up when it gets dark. It has a kitchen timer with
    a bell. Wipe it with a damp cloth and keep it away from the sink. The warranty is two years.
    A mains adapter is in the box.""",
    [("Can this radio receive DAB+?", "DAB+")],
    {"model_number": "KR-1", "colour": "turquoise and cream", "battery_life": "15 hours", "power": "12 W", "weight": "1.9 kg",
     "dimensions": "27 x 16 x 9.5 cm", "connectivity": "FM, DAB+, internet, Bluetooth", "warranty": "2 years", "in_the_box": "radio, mains adapter"})

# --- network, screens and desks --------------------------------------------------------------

product(
    "LM-RT6", "aerie-6", "Aerie 6 Wi-Fi Router", "Networking", "€159", "router",
    dict(colour="black", accent="red", w=26, d=17, h=4.2, r=2, top="vee", antennas=4, antenna=17),
    """The Aerie 6 is a Wi-Fi 6 router with four antennas for homes of up to 160 square metres. It
    carries up to 3,000 Mbit/s over the air. It has four gigabit LAN ports and one 2.5 gigabit WAN
    port at the back. Up to 60 devices can be connected. Guests get a network of their own. It
    uses 11 W. It updates itself at night. Hold the reset pin for ten seconds to restore it. It
    measures 26 by 17 by 4.2 cm and weighs 620 g. The warranty is three years. A power adapter and
    a 1 m network cable are in the box.""",
    [("How many LAN ports are on the back?", "four gigabit LAN ports")],
    {"model_number": "RT-6", "colour": "black and red", "speed": "3,000 Mbit/s", "ports": "4 gigabit LAN, 1 WAN 2.5 gigabit",
     "weight": "620 g", "dimensions": "26 x 17 x 4.2 cm", "power": "11 W", "warranty": "3 years",
     "in_the_box": "router, power adapter, 1 m network cable"},
    images=[dict(az=-0.5, el=0.45), dict(az=0.6, el=0.65)])

product(
    "LM-ER7", "folio-7", "Folio 7 E-Reader", "Reading", "€179", "ereader",
    dict(colour="white", cover="burgundy", w=12.6, h=17, t=0.9, tilt=1.15, grip=True, title="Low Tide"),
    """The Folio 7 is an e-reader with a 7-inch paper-like screen and page keys for one hand. The
    screen shows 300 dots per inch and has a warm light. One charge lasts six weeks at half an
    hour a day. It stores 32 GB, room for thousands of books. It reads EPUB, PDF and audio books
    over Bluetooth. It is rated IPX8 and survives 60 minutes in 2 m of fresh water. It weighs
    195 g without its cover. It charges by USB-C. The warranty is two years. The burgundy cover,
    which folds into a stand, is in the box.""",
    [("Can I read this in the bath?", "IPX8")],
    {"model_number": "ER-7", "colour": "white with burgundy cover", "battery_life": "six weeks", "capacity": "32 GB", "weight": "195 g",
     "water_resistance": "IPX8", "ports": "USB-C", "warranty": "2 years", "in_the_box": "e-reader, burgundy cover, USB-C cable"},
    images=[dict(az=-0.4, el=0.3), dict(az=0.45, el=0.5)])

product(
    "LM-SW3", "tempo-3", "Tempo 3 Smart Watch", "Wearables", "€199", "smart_watch",
    dict(colour="orange", case="gunmetal", square=True, r=2.1, rubber=True, lean=50, face="digital", face_colour="ffb04a"),
    """The Tempo 3 is a square smart watch with an orange strap for running and swimming. The
    battery lasts 9 days, or 22 hours with satellite tracking on. It is water resistant to 50 m.
    It measures heart rate, oxygen and sleep. The case is aluminium and 40 mm wide. It weighs 31 g
    without the strap. The strap fits wrists from 13 to 21 cm. It works with Android 10 and iOS 15
    or newer. Rinse it in fresh water after swimming in the sea. It charges in 50 minutes on its
    magnetic puck. The warranty is two years.""",
    [("Is this watch OK for swimming?", "50 m")],
    {"model_number": "SW-3", "colour": "gunmetal with orange strap", "battery_life": "9 days", "water_resistance": "50 m",
     "weight": "31 g", "compatibility": "Android 10, iOS 15 or newer", "warranty": "2 years", "in_the_box": "watch, strap, magnetic charging puck"},
    images=[dict(az=-0.45, el=0.35), dict(az=0.5, el=0.6)])

product(
    "LM-KB1", "tally-75", "Tally Mechanical Keyboard", "Desk", "€139", "keyboard",
    dict(colour="cream", keys="navy", accent="yellow", compact=False, knob=True, r=1.2),
    """The Tally is a mechanical keyboard with a brass knob for volume. It has 65 keys on quiet
    linear switches that can be swapped without soldering. It connects by USB-C, by Bluetooth to
    three devices, or by its 2.4 GHz dongle. The battery lasts 4 weeks with the lights off. The
    keycaps are PBT and don't wear shiny. The case is cream aluminium and weighs 1.3 kg. It works
    with Windows, macOS and Linux. Pull the keycaps off with the tool in the box and wash them in
    warm soapy water. The warranty is two years.""",
    [("Can I swap the switches on this keyboard without soldering?", "without soldering")],
    {"model_number": "KB-1", "colour": "cream with navy and yellow keys", "battery_life": "4 weeks", "keys": "65", "weight": "1.3 kg",
     "connectivity": "USB-C, Bluetooth, 2.4 GHz", "compatibility": "Windows, macOS, Linux", "warranty": "2 years",
     "in_the_box": "keyboard, USB-C cable, dongle, keycap tool"},
    images=[dict(az=-0.35, el=0.75), dict(az=0.4, el=0.55)])

product(
    "LM-PJ1", "beacon", "Beacon Mini Projector", "Entertainment", "€349", "projector",
    dict(colour="yellow", accent="black", w=17, d=15, h=12, r=4, lens_at=-0.2, lens=0.32, handle=False),
    """The Beacon is a small yellow projector for film nights at home or in the garden. It throws a
    picture of up to 120 inches in full HD. It gives 500 lumens, so the room should be dark. The
    battery lasts 2.5 hours. Focus and keystone set themselves in three seconds. It has one HDMI
    port, one USB-A port and an audio socket. Two 5 W speakers are built in. It weighs 1.6 kg. The
    lamp lasts 30,000 hours. Dust the lens with an air blower and don't touch it. The warranty is
    two years.""",
    [("How long can I watch on battery with this projector?", "2.5 hours")],
    {"model_number": "PJ-1", "colour": "yellow", "brightness": "500 lumens", "resolution": "full HD", "battery_life": "2.5 hours",
     "ports": "HDMI, USB-A, audio", "weight": "1.6 kg", "warranty": "2 years", "in_the_box": "projector, remote control, power adapter"})

# --- cameras, doors and climate --------------------------------------------------------------

product(
    "LM-IC2", "lookout", "Lookout Indoor Camera", "Security", "€59", "security_camera",
    dict(colour="white", shape="ball", led="6fe08a", steel=True, nod=0.05),
    """The Lookout is a round indoor camera that turns to follow what moves. It films in 2K with a
    view of 130 degrees and sees 8 m in the dark. It stores film on a microSD card of up to 256 GB,
    so no subscription is needed. A privacy shutter closes when you are at home. It talks and
    listens both ways. It needs a USB-C cable for power and has no battery. It connects by 2.4 and
    5 GHz Wi-Fi. It weighs 210 g and stands on a table or hangs from the ceiling. It isn't made
    for outdoors. The warranty is two years.""",
    [("Do I need a subscription for this camera?", "no subscription")],
    {"model_number": "IC-2", "colour": "white", "resolution": "2K", "storage": "microSD up to 256 GB", "battery_life": "no battery",
     "weight": "210 g", "water_resistance": "indoor use only", "warranty": "2 years", "in_the_box": "camera, 2 m USB-C cable, power adapter, ceiling plate"},
    images=[dict(az=-0.35, el=0.2), dict(az=0.55, el=0.35)])

product(
    "LM-CC1", "finch-camera", "Finch Compact Camera", "Photo", "€489", "photo_camera",
    dict(colour="silver", grip="brown", w=12.4, h=7.6, d=4, lens=0.4, reach=3.0, lens_at=0.1, red_button=True, strap=False),
    """The Finch is a compact camera in silver and brown leather with a fixed 35 mm lens. The
    sensor has 24 megapixels in APS-C format. The lens opens to f/2. The red button takes the
    picture and the dial beside it sets the exposure. The battery lasts for 380 pictures. It takes
    one SD card. It films in 4K at 30 frames a second. It weighs 389 g with battery and card. It
    isn't weather sealed. Clean the lens with a dry microfibre cloth only. The warranty is two
    years. A battery, a USB-C cable and a leather wrist strap are in the box.""",
    [("How many megapixels does this camera have?", "24 megapixels")],
    {"model_number": "CC-1", "colour": "silver and brown", "sensor": "24 megapixels APS-C", "lens": "35 mm f/2",
     "battery_life": "380 pictures", "storage": "SD card", "weight": "389 g", "water_resistance": "none", "warranty": "2 years",
     "in_the_box": "camera, battery, USB-C cable, leather wrist strap"},
    images=[dict(az=-0.4, el=0.2), dict(az=0.5, el=0.45)])

product(
    "LM-TH2", "dial-2", "Dial 2 Thermostat", "Smart home", "€169", "thermostat",
    dict(ring="copper", face_colour="ff8a2a", r=4.8, d=3, plate=True, colour="white", temp="21", word="HEAT", ticks=16),
    """The Dial 2 is a thermostat that you turn by its copper ring. It learns when you are at home
    and saves about 12 % of the heating. It works with gas boilers, heat pumps and underfloor
    heating on 24 V or 230 V. It needs no common wire. It holds the temperature to within 0.3 °C.
    The backup battery lasts 2 years. It connects by Wi-Fi, Thread and Matter. The ring is 9.6 cm
    across and the white wall plate covers old screw holes. Clean the glass with a dry cloth. The
    warranty is three years.""",
    [("Does this work with a heat pump?", "heat pumps")],
    {"model_number": "TH-2", "colour": "copper on white", "compatibility": "gas boilers, heat pumps, underfloor heating",
     "connectivity": "Wi-Fi, Thread, Matter", "battery_life": "2 years (backup)", "diameter": "9.6 cm", "warranty": "3 years",
     "in_the_box": "thermostat, wall plate, screws, labels"},
    images=[dict(az=-0.45, el=0.1), dict(az=0.4, el=0.25)])

product(
    "LM-DB1", "knock", "Knock Video Doorbell", "Security", "€129", "doorbell",
    dict(colour="gunmetal", w=5.2, h=14, d=2.6, r=2.4, led="58b9ff"),
    """The Knock is a video doorbell in brushed grey metal with a ring of blue light. It films in
    2K and sees visitors from head to toe at 160 degrees. The battery lasts 6 months and slides
    out for charging by USB-C. It also runs from an old bell's 16 to 24 V wires. It is rated IP65
    and works from -20 to 50 °C. Film is kept for 30 days on the chime, not in a cloud. It
    measures 5.2 by 14 by 2.6 cm. The warranty is two years. The indoor chime, a wedge and screws
    are in the box.""",
    [("How long does the battery last in this doorbell?", "6 months")],
    {"model_number": "DB-1", "colour": "gunmetal", "resolution": "2K", "battery_life": "6 months", "dimensions": "5.2 x 14 x 2.6 cm",
     "water_resistance": "IP65", "warranty": "2 years", "in_the_box": "doorbell, indoor chime, wedge, screws"},
    images=[dict(az=-0.5, el=0.1), dict(az=0.4, el=0.3)])

product(
    "LM-AP4", "zephyr-4", "Zephyr 4 Air Purifier", "Climate", "€249", "air_purifier",
    dict(colour="white", accent="oak", w=28, h=46, square=False, legs=True, band=True),
    """The Zephyr 4 cleans the air of rooms of up to 40 square metres. It stands on four oak legs
    and shows the fine dust on its front. The HEPA 13 filter catches 99.95 % of particles. It
    moves 380 cubic metres an hour. At night it makes 21 dB, quieter than a whisper. Change the
    filter every 12 months, which costs €39. Vacuum the grille once a month. It uses 4 to 42 W. It
    is 54 cm tall and weighs 5.6 kg. The warranty is three years. One filter is already inside.""",
    [("How often must I change the filter in this?", "every 12 months")],
    {"model_number": "AP-4", "colour": "white with oak legs", "area": "40 square metres", "filter": "HEPA 13, 12 months", "noise": "21 dB",
     "weight": "5.6 kg", "dimensions": "54 x 28 cm", "power": "42 W", "warranty": "3 years", "in_the_box": "air purifier, filter, remote control"},
    images=[dict(az=-0.3, el=0.15), dict(az=0.4, el=0.4)])

product(
    "LM-WS2", "barley", "Barley Weather Station", "Climate", "€89", "weather_station",
    dict(colour="walnut", w=18, h=10.5, d=4, r=1.2, digits="ffb04a", sensor=True),
    """The Barley shows indoor and outdoor weather on a display set in solid walnut. The white
    outdoor sensor measures temperature, humidity and rain up to 100 m away. The sensor runs for
    18 months on two AA batteries. The display is powered by USB-C. It forecasts the next 24 hours
    from the air pressure. It keeps 2 years of readings, which you can export as CSV. No account
    is needed. The display measures 18 by 10.5 by 4 cm. Oil the wood once a year. The sensor is
    rated IPX4. The warranty is two years.""",
    [("How far away can the outdoor sensor be?", "100 m")],
    {"model_number": "WS-2", "colour": "walnut", "range": "100 m", "battery_life": "18 months (sensor)", "dimensions": "18 x 10.5 x 4 cm",
     "water_resistance": "IPX4 (sensor)", "ports": "USB-C", "warranty": "2 years", "in_the_box": "display, outdoor sensor, two AA batteries, USB-C cable"},
    images=[dict(az=-0.35, el=0.2), dict(az=0.4, el=0.4)])

# --- kitchen, garden and street -----------------------------------------------------------------

product(
    "LM-KT3", "gander", "Gander Gooseneck Kettle", "Kitchen", "€119", "kettle",
    dict(colour="red", accent="black", r=8.6, h=16, spout="gooseneck", steel=False, form="cone"),
    """The Gander is an electric kettle with a gooseneck spout for pouring coffee slowly. It holds
    0.9 litres. You set the temperature between 40 and 100 °C, one degree at a time. It keeps
    water warm for 60 minutes. It boils a full kettle in four minutes with 1,500 W. It switches
    itself off when it is empty. The red coating is on the outside, and inside it is stainless
    steel. It weighs 1.2 kg with its base. Remove limescale once a month with citric acid. Don't
    put it in the dishwasher. The warranty is two years.""",
    [("How much water fits in this kettle?", "0.9 litres")],
    {"model_number": "KT-3", "colour": "red", "capacity": "0.9 litres", "power": "1,500 W", "temperature": "40 to 100 °C", "weight": "1.2 kg",
     "care": "not dishwasher safe", "warranty": "2 years", "in_the_box": "kettle, base with 0.8 m cable"},
    images=[dict(az=-0.2, el=0.2), dict(az=0.35, el=0.4)])

product(
    "LM-PL1", "sprig", "Sprig Smart Planter", "Garden", "€45", "smart_planter",
    dict(colour="purple", led="6fe08a", r=7.4, h=13, square=False, plant="long"),
    """The Sprig is a plant pot that waters herbs and small house plants by itself. Its tank holds
    1.2 litres, enough for about four weeks. The light ring at the foot is green when all is well
    and orange when the tank is empty. A sensor measures moisture, light and warmth. It charges by
    USB-C every 3 months. The pot is 15 cm wide at the top and 13 cm tall. It weighs 780 g empty.
    It is made of 80 % recycled plastic. Rinse the tank with vinegar twice a year. The plant isn't
    included. The warranty is two years.""",
    [("How long does the water tank last?", "four weeks")],
    {"model_number": "PL-1", "colour": "purple", "capacity": "1.2 litres", "battery_life": "3 months", "dimensions": "15 x 13 cm",
     "weight": "780 g", "ports": "USB-C", "warranty": "2 years", "in_the_box": "planter, sensor, USB-C cable"},
    images=[dict(az=-0.3, el=0.25), dict(az=0.4, el=0.5)])

product(
    "LM-BL2", "glowworm", "Glowworm Bike Light", "Outdoors", "€55", "bike_light",
    dict(colour="blue", r=1.9, l=8.5, rear=False),
    """The Glowworm is a front light for bicycles in a blue aluminium body. It gives 600 lumens at
    full power and 80 lumens in its saving mode. The battery lasts 3 hours at full power and 20
    hours in saving mode. It charges by USB-C in two hours. It is rated IP67, so a puddle does no
    harm. The rubber strap fits bars from 22 to 35 mm without tools. It weighs 118 g. Double-press
    the button to lock it for travel. It isn't approved for German road traffic. The warranty is
    three years.""",
    [("Is this bike light waterproof?", "IP67")],
    {"model_number": "BL-2", "colour": "blue", "brightness": "600 lumens", "battery_life": "3 hours at full power", "water_resistance": "IP67",
     "weight": "118 g", "ports": "USB-C", "warranty": "3 years", "in_the_box": "light, rubber strap, USB-C cable"},
    images=[dict(az=-0.7, el=0.3), dict(az=0.75, el=0.5)],
    photos=[dict(az=-1.0, el=0.45, light="overcast", ground="concrete", clutter=1)])


# --- where and how customers photograph ----------------------------------------------------------

# Questions that the catalogue does not answer: a good bot says so.
UNANSWERABLE = {
    "pip-2-at-home-1.jpg": "Who designed these earbuds?",
    "finch-camera-at-home-1.jpg": "Which famous photographers use this camera?",
    "wren-radio-at-home-1.jpg": "Is there a shop in Lisbon where I can try this?",
}

# Light and ground go round in a fixed order, so that neighbours in the catalogue never share a set.
_LIGHT = ["window", "warm", "sun", "overcast", "blinds", "window", "dim", "warm", "sun", "overcast", "window"]
_TABLE = ["table", "cloth", "marble", "tiles", "table", "carpet", "concrete"]
_BY = {"wall_battery": ["brick", "concrete"], "ev_charger": ["brick"], "thermostat": ["paint"], "doorbell": ["brick"],
       "lawn_robot": ["grass"], "delivery_robot": ["concrete"], "robot_vacuum": ["floor_wood", "carpet"],
       "air_purifier": ["floor_wood"], "power_station": ["grass"]}

_n = 0
for _p in PRODUCTS:
    _p["shots"] = _p.pop("images") or [dict(az=-0.5, el=None), dict(az=0.6, el=None)]
    if _p["photos"] is None:
        _p["photos"] = []
        for _k in range(len(_p["questions"])):
            _g = _BY.get(_p["family"], _TABLE)
            _p["photos"].append(dict(light=_LIGHT[_n % len(_LIGHT)], ground=_g[(_n if _g is _TABLE else _k) % len(_g)],
                                     clutter=1 + _n % 3))
            _n += 1

# By this light one could not see the port that tells it from its look-alike.
next(p for p in PRODUCTS if p["slug"] == "pebble-10")["photos"][1].update(light="overcast", az=0.45)
