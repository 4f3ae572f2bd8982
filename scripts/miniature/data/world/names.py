"""The names, things and numbers of the world.

No word is in two lists, so the kind of an answer can be told from the answer. The news domain has people
and towns of its own beside those it shares.
"""


def words(text: str) -> tuple[str, ...]:
    """Split a list of words."""
    return tuple(text.split())


def phrases(text: str) -> tuple[str, ...]:
    """Split a list of phrases at semicolons."""
    return tuple(phrase.strip() for phrase in text.split(";"))


FIRST_NAMES_SHE = words(
    """
    Alma Beth Clara Dora Edith Fiona Greta Helen Irene Judith Karen Laura Martha Nora Olive Paula Rosa
    Sarah Tessa Ursula Vera Wanda Agnes Brenda Celia Diana Emma Frieda
    """
)
FIRST_NAMES_HE = words(
    """
    Adam Bruno Carl David Edgar Felix George Henry Isaac Jacob Kurt Leon Marcus Nathan Oscar Peter Ralph
    Simon Thomas Victor Walter Anton Boris Conrad Daniel Ernest Frank Gustav
    """
)
SURNAMES = words(
    """
    Abbot Barlow Calder Dunmore Ellery Farrow Garland Hadley Ingram Jarvis Kessler Langley Mercer
    Norwood Osborn Pelham Quincy Radley Sutton Thorne Underhill Vance Weston Yardley Ashdown Bickley
    Crane Denby Easton Fenwick Gilmore Hobart Irving Joyce Keswick Lorimer Moreton Naylor Oakes Prescott
    Ramsey Selby Talbot Upton Vernon Whitby Amory Birch Corbin Draper Emery Forbes Grantham Holt Iverson
    Judd Kemble Lowell Marsden Nichols
    """
)
TOWNS = words(
    """
    Aldmoor Barrowby Castleton Dunwick Elmstead Fairford Glenholm Harrowgate Inverlea Jarrowby Kelwick
    Lindale Marlow Netherby Oakham Penrith Quarley Redmere Stanhope Thornbury Ulverton Varley Wexcombe
    Yarmouth Ashbourne Brindle Coldwell Deepdale Eastmere Foxton Granby Hexham Ilford Keldale Longmere
    Millbrook Northwold Ormskirk Pickering Rainham Saltby Tilbury Upwell Wickham Amberley Bexley
    Cranford Dovedale Elstow Farnham Goldsby Hartwell Ivelchester Kirkby Loxley Melbury Newbold Overton
    Padstow Ringwood Selworth Tamworth Uffington Vinehall Westbury Appleton Bramley Clifden Dalton
    Everley Felsted Grimsby Holbeck Kingsley Lambourn Maldon Norbury Olney Pembury Roxwell Shelford
    Tetbury Walden Yelverton
    """
)
COUNTRIES = words(
    """
    Arvenia Belmark Corvia Dalmora Estria Fennland Galdova Hestria Ilvania Jorvland Kastovia Lorraine
    Meridia Norland Ostrova Pelagia
    """
)
RIVERS = words(
    """
    Ald Brenn Dove Esk Forth Gale Humber Isen Kent Lune Mersa Nidd Orr Plym Rhone Severn Tamar Wye
    Yarrow
    """
)
JOBS = words(
    """
    baker carpenter doctor farmer gardener judge lawyer miller nurse painter poet sailor singer surgeon
    tailor teacher weaver writer printer potter
    """
)
INSTRUMENTS = words("violin piano flute cello guitar harp trumpet clarinet drum lute banjo horn")
STUDIES = words(
    """
    history chemistry law medicine botany geology music physics theology mathematics grammar astronomy
    """
)
PRIZES = phrases(
    """
    Golden Lamp; Silver Rose; Crystal Crown; Royal Medal; Laurel Prize; Ivory Star; Amber Cup; Scarlet
    Ribbon
    """
)
PRODUCTS = words(
    """
    cheese glass paper wool salt honey cider leather lace pottery furniture clocks candles carpets
    knives boots gloves ropes bells toys bread soap
    """
)
BUILDINGS = words("castle chapel mill lighthouse monastery theatre prison granary palace abbey")
MATERIALS = words("granite marble timber brick sandstone limestone iron steel concrete slate")
COLOURS = words("white yellow green blue purple grey black orange brown red")
COMPANY_FIRST = words(
    """
    Northern Crescent Falcon Beacon Anchor Phoenix Summit Harbour Meadow Granville Orchard Pioneer
    """
)
COMPANY_SECOND = words("Mills Works Brothers Traders Foundry Stores Shipping Press Motors Textiles")
WORK_FIRST = words(
    """
    Queen's King's Bishop's Swan Eagle Lantern Rainbow Market Garden Union Victory Pilgrim Lion Raven
    """
)
WORK_SECOND = words("Bridge Tower Hall Museum Gate Station Library Fountain Arcade Pavilion")
YEARS = tuple(str(year) for year in range(1840, 1960))
BIRTH_YEARS = YEARS[:60]
DEATH_YEARS = YEARS[60:]
OLD_YEARS = tuple(str(year) for year in range(1115, 1500, 7))
POPULATIONS = tuple(str(number) for number in range(2100, 9900, 300))
STAFF = tuple(str(number) for number in range(120, 980, 20))
HEIGHTS = tuple(str(number) for number in range(12, 60, 2))
NEWS_FIRST_NAMES_SHE = words("Aisha Bianca Carmen Elena Gabriela Ingrid Jasmin Lucia Mira Priya Salma Yasmin")
NEWS_FIRST_NAMES_HE = words("Ahmed Bilal Carlos Dmitri Emilio Hassan Ivan Javier Mateo Pavel Rafael Sergio")
NEWS_SURNAMES = words(
    """
    Almeida Bauer Costa Duarte Ferrari Gruber Haddad Ibarra Jansen Kovac Lindholm Moretti Novak Okafor
    Petrov Quispe Rossi Silva Tanaka Vargas Weber Yilmaz Zeman Castillo
    """
)
NEWS_TOWNS = words(
    """
    Almara Bergstad Corveda Dortheim Elvas Fuentes Gorica Halvik Isola Jelgava Kronstadt Lagos Molina
    Narvik Orsova Portela Rovigo Sandvik Trebin Valdez
    """
)
WEEKDAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
MONTHS = words("January March April June July August October November")
CAUSES = words("fire flood storm strike landslide blackout explosion drought")
INJURED = words("eleven twelve fifteen twenty thirty forty fifty sixty")
SPORTS = words("football hockey tennis rugby cricket handball")
DATELINES = words("Varena Sorrento Brunnen Calvora Ostend Zadora")
