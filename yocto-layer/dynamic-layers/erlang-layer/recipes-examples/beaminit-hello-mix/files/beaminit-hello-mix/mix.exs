defmodule BeaminitHelloMix.MixProject do
  use Mix.Project

  def project do
    [
      app: :beaminit_hello_mix,
      version: "1.0.0",
      deps: [],
      # The class of meta-erlang says where the target's ERTS is.
      releases: [
        beaminit_hello_mix: [include_erts: System.get_env("MIX_TARGET_INCLUDE_ERTS") || true]
      ]
    ]
  end

  def application, do: [mod: {BeaminitHelloMix, []}]
end
