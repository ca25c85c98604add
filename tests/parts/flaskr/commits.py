"""What flaskr's developers did, as values: a little history, and the pull requests of the story."""

from dataclasses import dataclass

from demo.faults import Commit, Replace

DEVELOPER = "flaskr developer <developer@flaskr.example>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """One commit of the history."""

    title: str
    edit: Replace


HISTORY = (
    Past(
        title="Say what the application is",
        edit=Replace(path="README.rst", search="The basic blog app built in", replace="A blog, begun as the app of"),
    ),
    Past(
        title="Put a bar before the name in the title",
        edit=Replace(
            path="flaskr/templates/base.html", search="{% endblock %} - Flaskr</title>",
            replace="{% endblock %} | Flaskr</title>",
        ),
    ),
)  # fmt: skip

BEFORE = Commit(
    title="Word the button on the sign-up page",
    body="It said what it does, now it says what one gets.",
    edits=(
        Replace(
            path="flaskr/templates/auth/register.html",
            search='<input type="submit" value="Register">',
            replace='<input type="submit" value="Create my account">',
        ),
    ),
    author=DEVELOPER,
)
"""Innocent; merged right before BAD, and deployed with it."""

BAD = Commit(
    title="Show how long the words of a post are",
    body="Readers like to know what they are in for: characters a word, beside the date.",
    edits=(
        Replace(
            path="flaskr/blog.py",
            search='    return render_template("blog/index.html", posts=posts)\n',
            replace=(
                '    lengths = {post["id"]: characters_a_word(post["body"]) for post in posts}\n'
                '    return render_template("blog/index.html", posts=posts, lengths=lengths)\n'
                "\n\n"
                "def characters_a_word(text):\n"
                '    """How long the words are, in characters, on average."""\n'
                "    return len(text) // len(text.split())\n"
            ),
        ),
        Replace(
            path="flaskr/templates/blog/index.html",
            search="strftime('%Y-%m-%d') }}</div>",
            replace="strftime('%Y-%m-%d') }}, {{ lengths[post['id']] }} characters a word</div>",
        ),
    ),
    author=DEVELOPER,
)
"""The mistake: a post may have an empty body, and then there is no word to divide by. Flaskr's tests show none."""

AFTER = Commit(
    title="Darken the colour of links",
    body="Easier to read in daylight.",
    edits=(
        Replace(
            path="flaskr/static/style.css", search="  font-family: serif;\n  color: #377ba8;",
            replace="  font-family: serif;\n  color: #2d6490;",
        ),
    ),
    author=DEVELOPER,
)  # fmt: skip
"""Innocent; merged right after BAD, and deployed with it."""
