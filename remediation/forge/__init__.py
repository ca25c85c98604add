"""Git and the pull requests on it: the only room that runs git, holds the forge's token and speaks GitHub's API.

`forge.GitForge` is the port; `git_command` starts git, `mirror`, `tree`, `history`, `revert` and `plots` are what is
done with it, `github` is the API half, and `local` is the forge that ships with the product. Import what you need from
the module itself: this package imports nothing, so that an idle daemon stays light.
"""
