defmodule Finder do
  @moduledoc """
  Finds the other nodes as libcluster's strategies do, each second, and connects to them:
  `FINDER=epmd` by a list of nodes, `gossip` by multicast, `dns` by the addresses of a name.
  `FINDER=srv` takes hosts and ports from SRV records, as Caravan does. Says on its output
  how many nodes there are.
  """
  use Application

  @impl true
  def start(_type, _args) do
    find = Map.fetch!(%{"epmd" => Finder.Epmd, "gossip" => Finder.Gossip, "dns" => Finder.DNS, "srv" => Finder.SRV}, System.fetch_env!("FINDER"))
    Supervisor.start_link([{Finder.Loop, find}], strategy: :one_for_one)
  end
end

defmodule Finder.Loop do
  @moduledoc "Asks a strategy for nodes each second, and connects to those."
  use GenServer

  def start_link(find), do: GenServer.start_link(__MODULE__, find, name: __MODULE__)

  @impl true
  def init(find) do
    :ok = :net_kernel.monitor_nodes(true)
    send(self(), :find)
    {:ok, {find, find.init()}}
  end

  @impl true
  def handle_info(:find, {find, state}) do
    for node <- find.nodes(state), node != node(), node not in Node.list(), do: Node.connect(node)
    Process.send_after(self(), :find, 1000)
    {:noreply, {find, state}}
  end

  def handle_info({change, node}, state) when change in [:nodeup, :nodedown] do
    IO.puts("finder: #{change} #{node}, #{length(Node.list()) + 1} nodes")
    {:noreply, state}
  end

  def handle_info(message, {find, state}) do
    for node <- find.heard(message, state), node != node(), do: Node.connect(node)
    {:noreply, {find, state}}
  end
end

defmodule Finder.Epmd do
  @moduledoc "A list of nodes, as Cluster.Strategy.Epmd has it."
  def init, do: System.fetch_env!("FINDER_NODES") |> String.split() |> Enum.map(&String.to_atom/1)
  def nodes(list), do: list
end

defmodule Finder.Gossip do
  @moduledoc "Tells its name to a multicast group, as Cluster.Strategy.Gossip does, and connects to who it hears."
  @group {233, 252, 1, 32}
  @port 45_892

  def init do
    {:ok, socket} =
      :gen_udp.open(@port, [:binary, active: true, ip: @group, reuseaddr: true, add_membership: {@group, {0, 0, 0, 0}}, multicast_ttl: 1, multicast_loop: false])

    socket
  end

  def nodes(socket) do
    _ = :gen_udp.send(socket, @group, @port, "finder::" <> Atom.to_string(node()))
    []
  end

  def heard({:udp, _, _, _, "finder::finder@" <> host}, _) when byte_size(host) < 64, do: [:"finder@#{host}"]
  def heard(_, _), do: []
end

defmodule Finder.DNS do
  @moduledoc "The addresses of a name, as Cluster.Strategy.DNSPoll: its nodes are named by their addresses."
  def init, do: System.fetch_env!("FINDER_NAME") |> String.to_charlist()

  def nodes(name), do: for(address <- :inet_res.lookup(name, :in, :a), do: :"finder@#{:inet.ntoa(address)}")
end

defmodule Finder.SRV do
  @moduledoc "SRV records: a node for each, the port of it in its name, as Caravan has it."
  def init, do: System.fetch_env!("FINDER_NAME") |> String.to_charlist()

  def nodes(name), do: for({_, _, port, host} <- :inet_res.lookup(name, :in, :srv), do: :"app-#{port}@#{hd(:string.lexemes(host, '.'))}")
end

defmodule Finder.Ports do
  @moduledoc "For -epmd_module: the port of a node is the number at the end of its name."
  def start_link, do: :ignore
  def register_node(name, port, _family \\ :inet) when is_integer(port), do: {:ok, :erlang.phash2(name, 3) + 1}
  def listen_port_please(name, _host), do: {:ok, port(name)}
  def port_please(name, host, _timeout \\ :infinity) when host != nil, do: {:port, port(name), 5}
  def address_please(_name, host, family), do: :inet.getaddr(host, family)
  def names(_host), do: {:error, :address}

  # Who only asks (a shell) listens nowhere, and is asked for by nobody.
  defp port(name) do
    case Regex.run(~r/-(\d+)$/, to_string(name)) do
      [_, number] -> String.to_integer(number)
      nil -> 0
    end
  end
end
