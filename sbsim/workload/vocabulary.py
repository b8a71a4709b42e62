"""The words that synthetic prompts are made of: per slot of the sentence, values in two phrasings that mean the same.

Owns words only; `prompts` makes sentences of them. Each value is written "phrasing | other phrasing". The last
`RESERVED` values of a slot occur in lookalikes only, all others in ordinary contents, so that no lookalike is by chance another content. No phrase
occurs twice in a slot, and none differs from another in case or white space alone.
"""

from __future__ import annotations

RESERVED = 4
"""Values at the end of each slot that are kept for lookalikes."""

SUBJECT = (
    "a red fox | a fox with red fur", "an old fisherman | a fisherman of great age", "two dancing robots | a pair of robots dancing",
    "a girl in a yellow raincoat | a young girl wearing a yellow raincoat", "a white horse | a horse, all white",
    "a street violinist | a busking violin player", "a lighthouse keeper | the keeper of a lighthouse", "a sleepy cat | a cat half asleep",
    "a marathon runner | an athlete on a long run", "a baker with flour on his hands | a floury baker", "a paper crane | an origami crane",
    "a brass band | musicians with brass instruments", "an astronaut | a person in a space suit", "a black swan | a swan with black feathers",
    "a delivery cyclist | a courier on a bicycle", "a family of otters | some otters, young and old", "a chess player | someone at a chess board",
    "a glass blower | an artisan with molten glass", "a golden retriever | a dog of the retriever kind",
    "a tiny dragon | a dragon no bigger than a hand", "a surgeon in green | a doctor in surgical green", "a mountain guide | an alpine guide",
    "a flock of starlings | starlings by the hundred", "a tailor at work | a busy tailor", "a grey heron | a heron, grey and tall",
    "a train conductor | the conductor of a train", "a snow leopard | a leopard of the snows", "a street artist | an artist of the pavement",
)  # fmt: skip

ACTION = (
    "waiting | standing still", "reading a letter | bent over a letter", "looking up at the sky | gazing upwards",
    "walking slowly | taking slow steps", "resting | taking a break", "laughing out loud | having a good laugh",
    "jumping over a puddle | leaping across a puddle", "turning around | looking back", "carrying a lantern | with a lantern in hand",
    "drinking tea | sipping from a cup of tea", "playing with a ball | busy with a ball", "hiding from the rain | sheltering from rain",
    "watching the crowd | observing the crowd", "opening a wooden box | lifting the lid of a wooden box", "singing | in full song",
    "falling asleep | nodding off", "counting coins | sorting coins", "holding a red balloon | with a red balloon",
    "climbing a ladder | going up a ladder", "waving goodbye | bidding farewell", "blowing out a candle | putting out a candle",
    "folding a map | putting away a map", "chasing a shadow | running after a shadow", "mending a kite | repairing a kite",
)  # fmt: skip

PLACE = (
    "in a snowy forest | among snow covered trees", "on a rooftop | high on a roof", "at a crowded market | between market stalls",
    "by the harbour | down at the harbour", "in an empty theatre | inside a deserted theatre", "under a stone bridge | below a bridge of stone",
    "in a library | among tall bookshelves", "on a desert road | along a road through the desert",
    "in a greenhouse | under the glass of a greenhouse", "at a mountain lake | beside an alpine lake", "in a narrow alley | between close houses",
    "on a sandy beach | on the sands", "in a railway station | on a station platform", "in a field of sunflowers | among sunflowers",
    "inside a cathedral | under cathedral vaults", "at a night fair | between fairground rides", "in a kitchen | at the kitchen table",
    "on the deck of a ship | aboard a ship", "in a bamboo grove | amid bamboo", "near a waterfall | close to falling water",
    "in a courtyard | within courtyard walls", "on a frozen river | upon river ice", "at a bus stop | where the bus stops",
    "in a workshop | at a workbench", "in a vineyard | between rows of vines", "on a lonely island | on an island far out",
    "at the edge of a cliff | near a steep cliff", "in a glass tower | high in a tower of glass",
)  # fmt: skip

LIGHT = (
    "at golden hour | in the last warm sunlight", "in thick fog | wrapped in fog", "under a full moon | by the light of the full moon",
    "in bright noon light | with the sun high up", "lit by neon signs | in the glow of neon", "at dawn | as the day breaks",
    "by candle light | lit with candles only", "in heavy rain | while rain pours", "under a cloudy sky | with grey clouds above",
    "in soft window light | lit softly from a window", "during a thunderstorm | with lightning around", "under the stars | on a starry night",
    "by torch light | in the flicker of torches", "in pale winter sun | in weak winter sunlight", "beneath northern lights | with an aurora above",
    "in drifting smoke | half hidden by smoke",
)  # fmt: skip

MEDIUM = (
    "oil painting | painted in oil", "watercolour | done in watercolours", "pencil sketch | sketched in pencil", "analog photograph | shot on film",
    "isometric illustration | drawn in isometric view", "woodcut | printed from a woodblock", "studio photograph | photographed in a studio",
    "comic panel | in the manner of a comic", "clay figures | modelled in clay", "art deco poster | a poster in art deco style",
    "charcoal drawing | drawn with charcoal", "pixel art | made of pixels", "stained glass | as a stained glass window", "linocut | cut in lino",
    "pastel drawing | drawn in pastels", "mosaic | laid as a mosaic",
)  # fmt: skip

SHOT = (
    "wide shot | seen from afar", "close up | seen from very near", "slow motion | slowed down", "drone shot | filmed from the air",
    "handheld camera | camera held by hand", "time lapse | hours in seconds", "tracking shot | camera moving alongside",
    "low angle | filmed from below", "one long take | without a cut", "split screen | two views side by side",
    "silhouette shot | against the light", "macro lens | through a macro lens", "tilted camera | camera at a tilt",
    "mirror shot | seen in a mirror", "through a keyhole | as if through a keyhole", "spinning camera | camera circling round",
)  # fmt: skip

VOICE = (
    "a calm female voice | a woman speaking calmly", "a deep male voice | a man with a deep voice", "a cheerful child | a child in good spirits",
    "an elderly storyteller | a teller of tales, grown old", "a news presenter | someone who reads the news",
    "a whispering narrator | a narrator in a whisper", "a radio host | the host of a radio show",
    "a sports commentator | a commentator at the match", "a friendly teacher | a teacher with a kind tone",
    "a tired night watchman | a watchman at the end of his night", "a choir of two | two people in unison",
    "a robotic assistant | an assistant that sounds like a machine", "a pilot | the captain of an aircraft",
    "a museum guide | a guide in the museum", "a market crier | a crier of the market", "an opera singer | a voice from the opera",
)  # fmt: skip

MESSAGE = (
    "announcing the new timetable | telling people of the new timetable", "reading a bedtime story | telling a story for the night",
    "explaining how to change a tyre | teaching how a tyre is changed", "welcoming new members | greeting those who just joined",
    "giving the weather for tomorrow | forecasting the weather of the next day", "praising a coffee machine | advertising a coffee machine",
    "counting down to launch | doing the countdown of a launch", "describing a painting | putting a painting into words",
    "inviting to the summer party | asking people to the summer party", "warning of icy roads | cautioning about ice on the roads",
    "guiding a breathing exercise | leading an exercise in breathing", "introducing the next speaker | presenting whoever speaks next",
    "listing three recipes | naming recipes, three of them", "thanking the donors | expressing thanks to donors",
    "recalling a football final | looking back on a football final", "closing the shop for the night | saying that the shop closes now",
    "spelling a difficult name | giving a hard name letter by letter", "reporting a lost key | saying that a key was lost",
    "teaching five words of Greek | giving a lesson of five Greek words", "selling garden chairs | offering chairs for the garden",
)  # fmt: skip

SETTING = (
    "in a busy station | amid station noise", "in a quiet room | with silence around", "on a windy hill | with wind in the background",
    "in a large hall | with the echo of a hall", "at the seaside | with waves behind", "in a small kitchen | among kitchen sounds",
    "over the telephone | on a telephone line", "in a moving car | inside a car that drives",
    "in a garden with birds | while birds sing in a garden", "in a crowded cafe | with a cafe full of people",
    "beside a fireplace | near a crackling fire", "in a stadium | before a stadium crowd", "under water | below the surface",
    "in a lift | inside a lift", "in a stairwell | on echoing stairs", "in a tent | under canvas",
)  # fmt: skip

MUSIC = (
    "over soft piano | with gentle piano underneath", "without music | no music at all", "over a slow drum | with a drum beating slowly",
    "with a guitar | accompanied by guitar", "over strings | with strings in the back", "with a short jingle | introduced by a jingle",
    "over electronic beats | on top of an electronic beat", "with a music box | to the sound of a music box",
    "with church bells | while bells ring", "over a walking bass | with a bass line walking", "with a harp | to harp music",
    "with bagpipes | to the drone of bagpipes",
)  # fmt: skip

PACE = (
    "at a slow pace | spoken slowly", "at a brisk pace | spoken briskly", "with long pauses | pausing often", "in one breath | hardly pausing",
    "with a smile | audibly smiling", "in a formal manner | kept formal", "almost singing | close to song", "very clearly | with clear diction",
    "in rhyme | rhyming throughout", "with an accent | accented", "in a hurry | rushed", "hesitantly | with some hesitation",
)  # fmt: skip

FORM = (
    "a product description | a text that describes a product", "a short poem | a poem of few lines", "a press release | a release for the press",
    "a blog post | a post for a blog", "five headlines | headlines, five in number", "a cover letter | a letter of application",
    "a tutorial | a step by step guide", "a summary | a condensed version", "a speech | a text to be spoken",
    "a dialogue | a conversation in writing", "an email | a message by email", "a quiz | a set of questions", "a checklist | a list to tick off",
    "a fable | a tale with a moral", "a job advert | an advert for a job", "a book review | a review of a book",
)  # fmt: skip

TOPIC = (
    "about electric bicycles | on the subject of electric bikes", "about home insurance | on insuring a home",
    "about sourdough bread | on bread from sourdough", "about remote work | on working from afar", "about solar panels | on panels for solar power",
    "about a city marathon | on running a marathon in town", "about data privacy | on privacy of data", "about hiking boots | on boots for hiking",
    "about learning the piano | on taking up the piano", "about urban gardens | on gardens in the city", "about vaccination | on being vaccinated",
    "about rail travel | on going by train", "about second hand books | on used books", "about coffee roasting | on how coffee is roasted",
    "about climate targets | on targets for the climate", "about board games | on games for the table",
    "about a museum opening | on a museum that opens", "about bee keeping | on keeping bees", "about first aid | on helping in an emergency",
    "about old maps | on maps of former times", "about night trains | on trains that run at night", "about tea ceremonies | on the ceremony of tea",
    "about tidal power | on power from tides", "about public libraries | on libraries for all",
)  # fmt: skip

AUDIENCE = (
    "for beginners | aimed at people who just start", "for school children | aimed at pupils",
    "for retired engineers | aimed at engineers in retirement", "for investors | aimed at people who invest",
    "for new parents | aimed at mothers and fathers of a newborn", "for tourists | aimed at visitors",
    "for shop owners | aimed at owners of a shop", "for nurses | aimed at nursing staff", "for students | aimed at people at university",
    "for the board | aimed at board members", "for neighbours | aimed at people next door", "for journalists | aimed at the media",
    "for pilots | aimed at people who fly", "for farmers | aimed at people who farm", "for collectors | aimed at people who collect",
    "for night owls | aimed at people awake at night",
)  # fmt: skip

TONE = (
    "in a warm tone | sounding warm", "in plain words | plainly worded", "with dry humour | humorous in a dry way",
    "in a serious tone | sounding serious", "in a playful tone | sounding playful", "with much enthusiasm | enthusiastic throughout",
    "in a neutral tone | sounding neutral", "in elegant prose | elegantly worded", "in short sentences | sentences kept short",
    "with irony | a little ironic", "in old fashioned style | as people once wrote", "in the first person | told as I",
)  # fmt: skip

ANGLE = (
    "with three examples | giving examples, three of them", "with a surprising fact | including one surprising fact",
    "with a call to action | ending on a call to act", "without jargon | free of jargon", "with a short history | including how it began",
    "with pros and cons | weighing both sides", "with a personal story | including a story of one's own", "with numbers | backed by figures",
    "as a comparison | comparing alternatives", "with a question at the end | closing on a question", "with a timeline | along a timeline",
    "with two quotations | quoting twice",
)  # fmt: skip

VERBS = {
    "video": ("film", "create", "generate", "produce", "make", "animate", "give me", "record"),
    "image": ("draw", "create", "generate", "produce", "make", "render", "give me", "design"),
    "audio": ("record", "create", "generate", "produce", "make", "speak as", "give me", "voice"),
    "text": ("draft", "compose", "generate", "produce", "make", "prepare", "give me", "write up"),
}

COURTESIES = (
    "", "please", "could you please", "I would like you to", "kindly", "we need you to", "can you", "be so good as to",
)  # fmt: skip

QUALITIES = (
    "", "in fine detail", "in high quality", "clean and simple", "carefully done", "nicely composed", "well made", "with great care",
)  # fmt: skip

CLOSINGS = (
    "", "thank you", "thanks a lot", "if possible today", "as soon as you can", "as discussed", "once more", "no rush", "for our next post",
    "as agreed", "cheers", "when you have a moment",
)  # fmt: skip
