# Read by the programs of profiles that nobody has tried here. They were written from the public documentation of the
# broker; whoever has the broker, please try and correct them, and then remove the line `untried` from the profile.

say_untried() { # BROKER
    echo "$1: this profile is untried, written from the broker's documentation (conformance/brokers/README.md)" >&2
}

no_configuration() { # CONFIGURATION
    echo "no configuration $1" >&2
    exit 2
}

not_installed() { # BROKER WHAT
    echo "$1 is not installed: $2" >&2
    exit 1
}
