import Config

# Read at every start of the VM; while the release is made, nobody asks.
config :bird, word: String.to_atom("runtime-" <> System.get_env("RELEASE_NAME", "nobody"))
