defmodule Bird.MixProject do
  use Mix.Project

  def project do
    [app: :bird, version: "0.1.0", elixir: "~> 1.14", deps: [], releases: releases()]
  end

  def application, do: [mod: {Bird.Application, []}]

  # Every way that mix release has of configuring.
  defp releases do
    [
      plain: [runtime_config_path: false, include_executables_for: [:unix]],
      runtime: [include_executables_for: [:unix]],
      reboot: [include_executables_for: [:unix], reboot_system_after_config: true]
    ]
  end
end
