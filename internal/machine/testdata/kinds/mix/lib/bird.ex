defprotocol Bird.Word do
  def word(term)
end

defimpl Bird.Word, for: Atom do
  def word(atom), do: Atom.to_string(atom)
end

defmodule Bird.Application do
  @moduledoc "Says on its output how it was started, and stays."
  use Application

  @impl true
  def start(_type, _args) do
    word = Bird.Word.word(Application.get_env(:bird, :word, :none))
    consolidated = Protocol.consolidated?(Bird.Word)
    IO.puts("bird #{node()} word #{word} consolidated #{consolidated}")
    if System.get_env("BIRD") == "slow", do: Process.sleep(2000)
    Supervisor.start_link([], strategy: :one_for_one)
  end
end
