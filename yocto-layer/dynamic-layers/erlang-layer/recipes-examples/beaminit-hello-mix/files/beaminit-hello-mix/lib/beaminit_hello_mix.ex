defmodule BeaminitHelloMix do
  @moduledoc "The least that an application is: a supervisor of nothing."
  use Application

  @impl true
  def start(_type, _args) do
    IO.puts("hello from mix")
    Supervisor.start_link([], strategy: :one_for_one)
  end
end
