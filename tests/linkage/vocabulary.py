"""Names and places that records are made of. Family and company names are built from syllables: thousands of them."""

import numpy as np

GIVEN = (  # noqa: SIM905
    "Jean Marie Pierre Michel Anne Philippe Nathalie Isabelle Nicolas Sophie Julien Camille Thomas Lucas "
    "Emma Chloé Léa Hugo Louis Gabriel Raphaël Arthur Jules Adam Paul Élise Zoé Inès Manon Sarah Laura "
    "Clara Alice Louise Juliette Hans Klaus Jürgen Petra Sabine Monika Giulia Marco Luca Francesca Carlos "
    "María José Lucía Pablo John Mary James Patricia Robert Jennifer William Linda David Elizabeth Fatima "
    "Mohamed Karim Yasmine Olga Ivan Natalia Björn Søren"
).split()
_ONSETS = [
    "b",
    "d",
    "f",
    "g",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "ch",
    "gr",
    "br",
    "tr",
    "pl",
    "k",
    "h",
    "j",
]
_VOWELS = ["a", "e", "i", "o", "u", "au", "ou", "ai", "é", "eu"]
_ENDS = ["", "n", "r", "t", "l", "s", "nd", "rd", "ux", "tz", "ski", "son", "mann", "ez", "ini"]
STREETS = [
    "de la Paix",
    "des Lilas",
    "Victor Hugo",
    "Jean Jaurès",
    "du Général Leclerc",
    "de l'Église",
    "des Écoles",
    "Pasteur",
    "de la Gare",
    "du Moulin",
    "de Verdun",
    "Voltaire",
    "Gambetta",
    "des Acacias",
    "de la République",
    "Saint Michel",
    "du Château",
    "de Bretagne",
    "Carnot",
    "Foch",
    "Émile Zola",
    "du Stade",
    "des Roses",
    "du Lac",
    "de la Forêt",
    "des Peupliers",
    "de Lyon",
    "de Strasbourg",
    "du Port",
    "de la Mairie",
]
STREET_TYPES = (("rue", "r."), ("avenue", "av."), ("boulevard", "bd"), ("place", "pl."), ("chemin", "ch."))
CITIES = [
    "Paris",
    "Lyon",
    "Marseille",
    "Toulouse",
    "Nice",
    "Nantes",
    "Montpellier",
    "Strasbourg",
    "Bordeaux",
    "Lille",
    "Rennes",
    "Reims",
    "Toulon",
    "Saint-Étienne",
    "Grenoble",
    "Dijon",
    "Angers",
    "Nîmes",
    "Villeurbanne",
    "Clermont-Ferrand",
    "Brest",
    "Limoges",
    "Tours",
    "Amiens",
    "Metz",
    "Besançon",
    "Perpignan",
    "Orléans",
]
TRADES = [
    "Transports",
    "Conseil",
    "Industries",
    "Services",
    "Logistique",
    "Énergie",
    "Bâtiment",
    "Médical",
    "Informatique",
    "Distribution",
    "Boulangerie",
    "Assurances",
    "Immobilier",
    "Mécanique",
    "Textile",
    "Plasturgie",
    "Électronique",
    "Sécurité",
    "Formation",
    "Nettoyage",
]
FORMS = ["SARL", "SAS", "SA", "S.A.S.", "S.A.R.L.", "GmbH", "Ltd", "SASU", "EURL", ""]


def syllable_names(rng: np.random.Generator, n: int, syllables: int = 2) -> list[str]:
    """n different names."""
    names: dict[str, None] = {}
    while len(names) < n:
        parts = rng.integers(0, [len(_ONSETS), len(_VOWELS)], (4 * n, syllables, 2))
        ends = rng.integers(0, len(_ENDS), 4 * n)
        for part, end in zip(parts, ends, strict=True):
            word = "".join(_ONSETS[a] + _VOWELS[b] for a, b in part) + _ENDS[end]
            names[word.capitalize()] = None
            if len(names) == n:
                break
    return list(names)


def siren(number: int) -> str:
    """A SIREN that satisfies Luhn, from eight digits."""
    digits = f"{number:08d}"
    total = sum(int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(digits))
    return digits + str(-total % 10)


def typo(rng: np.random.Generator, text: str) -> str:
    """One letter dropped, doubled, swapped with its neighbour or replaced."""
    if len(text) < 4:
        return text
    at = int(rng.integers(1, len(text) - 1))
    kind = int(rng.integers(4))
    if kind == 0:
        return text[:at] + text[at + 1 :]
    if kind == 1:
        return text[:at] + text[at] + text[at:]
    if kind == 2:
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + "aeiourst"[int(rng.integers(8))] + text[at + 1 :]


def plain(text: str) -> str:
    """ASCII letters for addresses and domains."""
    import unicodedata

    folded = unicodedata.normalize("NFD", text.lower().replace("ø", "o"))
    return "".join(c for c in folded if c.isascii() and c.isalnum())
