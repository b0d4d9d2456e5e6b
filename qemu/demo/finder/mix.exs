defmodule Finder.MixProject do
  use Mix.Project

  def project, do: [app: :finder, version: "1.0.0", elixir: "~> 1.14", deps: []]

  def application, do: [mod: {Finder, []}, extra_applications: [:logger]]
end
