"""Word lists of the demo company. Every name is a common word or a common given or family name.

What does NOT belong here: how names are combined (companies.py, people.py).
"""

from __future__ import annotations

import unicodedata

# Word lists are split from text: one word a line would hide everything else.

FIRST_NAMES = """
Jean Marie Pierre Anne Hélène François Nicolas Camille Julien Sophie Thomas Claire Antoine Léa Hugo Émilie
Mathieu Sarah Olivier Laura Vincent Julie Guillaume Céline Romain Nathalie Benoît Isabelle Alexandre Aurélie
Sébastien Caroline Maxime Élodie Philippe Audrey Laurent Virginie David Sandrine Christophe Valérie Stéphane
Mélanie Frédéric Delphine Jérôme Karine Arnaud Marion Cédric Lucie Fabien Pauline Damien Manon Grégory Chloé
Ludovic Inès Adrien Justine Bastien Amandine Quentin Charlotte Florian Mathilde Rémi Noémie Yann Margaux
Loïc Clémence Gaël Agathe Étienne Solène Tanguy Maëlle
""".split()  # noqa: SIM905

LAST_NAMES = """
Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre Leroy Roux
David Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefèvre Faure
André Mercier Blanc Guérin Boyer Garnier Chevalier François Legrand Gauthier Garcia Perrin Robin Clément
Morin Nicolas Henry Roussel Mathieu Gautier Masson Marchand Duval Denis Dumont Marie Lemaire Noël Meyer
Dufour Meunier Brun Blanchard Giraud Joly Rivière Lucas Brunet Gaillard Barbier Arnaud Martinez Gérard Roche
Renard Schmitt Roy Leroux Colin Vidal Caron Picard Roger Fabre Aubert Lemoine Renaud Dumas Lacroix Olivier
Philippe Bourgeois Pierre Benoît Rey Leclerc Payet Rolland Leclercq Guillaume Lecomte Lopez Jean Dupuy
Guillot Hubert Berger Carpentier Sanchez Dupuis Moulin Louis Deschamps Huet Vasseur Perez Boucher Fleury
Royer Klein Jacquet Adam Paris Poirier Marty Aubry Guyot Carré Charles Renault Charpentier Ménard Maillard
Baron Bertin Bailly Hervé Schneider Fernandez Collet Léger Bouvier Julien Prévost Millet Perrot Daniel
Cousin Germain Breton Besson Langlois Rémy Pelletier Leblanc Barre Lebrun Marchal Weber Mallet Hamon
Boulanger Jacob Monnier Michaud Rodriguez Guichard Gillet Étienne Grondin Poulain Tessier Chevallier Collin
Chauvin Bouchet Gay Lemaître Bénard Maréchal Humbert Reynaud Antoine Hoarau Perret Barthélemy Cordier Pichon
Lejeune Gilbert Lamy Delaunay Pasquier Carlier Laporte
""".split()  # noqa: SIM905

TRADES = """
Ateliers Transports Fonderies Logiciels Menuiseries Travaux Conseil Imprimerie Laboratoires Plastiques
Négoce Énergies Emballages Systèmes Mécanique Textiles Services Propreté Câblages Outillages Verrerie
Optique Robotique Traiteurs Serres Pépinières Peintures Toitures Charpentes Isolation Réseaux Hydraulique
Sécurité Formation Édition Diffusion Location Levage Froid Acoustique
""".split()  # noqa: SIM905

ROOTS_A = """
Lum Ver Cal Mon Ar Bel Cor Dun Fal Gar Hel Isa Jor Kel Lor Mar Nor Or Pel Quin Ras Sol Tar Ul Val Wen Xan Yl
Zel Bri
""".split()  # noqa: SIM905

ROOTS_B = """
ia odis ens ange iva oris ade eon ista una area elle oma ura ine
""".split()  # noqa: SIM905

LEGAL_FORMS = ["SAS", "SARL", "SA", "SASU", "EURL"]
FOREIGN_FORMS = {"DE": "GmbH", "BE": "SPRL", "GB": "Ltd", "US": "Inc"}

CITIES = [
    ("Paris", "75011"),
    ("Lyon", "69003"),
    ("Marseille", "13008"),
    ("Lille", "59800"),
    ("Nantes", "44000"),
    ("Toulouse", "31000"),
    ("Bordeaux", "33000"),
    ("Strasbourg", "67000"),
    ("Rennes", "35000"),
    ("Grenoble", "38000"),
    ("Saint-Étienne", "42000"),
    ("Le Havre", "76600"),
    ("Angers", "49100"),
    ("Dijon", "21000"),
    ("Nîmes", "30000"),
    ("Besançon", "25000"),
    ("Évreux", "27000"),
    ("Béziers", "34500"),
]
FOREIGN_CITIES = {
    "DE": ("Köln", "50667"),
    "BE": ("Liège", "4000"),
    "GB": ("Leeds", "LS1 4AP"),
    "US": ("Boston", "02110"),
}

INDUSTRIES = [
    "Industrie",
    "Distribution",
    "Services",
    "BTP",
    "Santé",
    "Transport",
    "Informatique",
    "Agroalimentaire",
]
JOB_TITLES = [
    "Directeur général",
    "Directrice commerciale",
    "Responsable achats",
    "Acheteur",
    "DSI",
    "Responsable IT",
    "Contrôleuse de gestion",
    "Assistant de direction",
    "Responsable production",
    "Chef de projet",
]
LEAD_SOURCES = {
    "inbound": ["Web", "Webinar", "Content Download", "Inbound Call"],
    "outbound": ["Cold Call", "Purchased List", "LinkedIn Prospecting"],
    "partner": ["Partner Referral", "Reseller"],
}
STAGES = [
    "Prospecting",
    "Qualification",
    "Meeting",
    "Needs Analysis",
    "Proposal/Price Quote",
    "Negotiation/Review",
    "Closed Won",
    "Closed Lost",
]
STAGE_CODES = [
    "prospecting",
    "qualification",
    "meeting",
    "needs_defined",
    "proposal",
    "negotiation",
    "won",
    "lost",
]
LOST_REASONS = ["Price", "Competitor", "No decision", "Timing", "Missing feature"]
FREE_MAIL_DOMAINS = ["freemail.example", "webmail.example"]

# code, name, family, recurring, unit price in EUR (monthly for recurring products)
PRODUCTS = [
    ("LIC-ESS", "Licence Essentiel", "Abonnements", True, 24),
    ("LIC-PRO", "Licence Pro", "Abonnements", True, 60),
    ("LIC-ENT", "Licence Entreprise", "Abonnements", True, 144),
    ("MOD-ANA", "Module Analyse", "Abonnements", True, 36),
    ("SRV-FOR", "Formation à l'usage", "Services", False, 950),
    ("SRV-INT", "Intégration", "Services", False, 1200),
    ("SRV-AUD", "Audit de données", "Services", False, 2400),
    ("MAT-CAP", "Capteur relié", "Matériel", False, 180),
    ("PORT", "Frais de port", "Frais annexes", False, 25),
]


def plain(text: str) -> str:
    """`text` in lower case ASCII, as used in mail addresses."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
