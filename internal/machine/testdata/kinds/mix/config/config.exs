import Config

config :bird, word: :compiled
