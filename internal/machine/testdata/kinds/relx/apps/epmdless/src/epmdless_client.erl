%% A module for -epmd_module of the kind of epmdless: a node listens on the listen_port of
%% its configuration, and looks for others where a variable says. Without that variable no
%% node finds another.
-module(epmdless_client).
-export([start_link/0, register_node/2, register_node/3, listen_port_please/2,
         port_please/2, port_please/3, address_please/3, names/1]).

start_link() -> ignore.

register_node(Name, Port) -> register_node(Name, Port, inet).

register_node(_, _, _) -> {ok, rand:uniform(3)}.

listen_port_please(_, _) ->
    case application:load(epmdless) of
        ok -> ok;
        {error, {already_loaded, epmdless}} -> ok
    end,
    {ok, Port} = application:get_env(epmdless, listen_port),
    {ok, Port}.

port_please(Name, Host) -> port_please(Name, Host, infinity).

port_please(_, _, _) ->
    case os:getenv("EPMDLESS_REMSH_PORT") of
        false -> noport;
        Port -> {port, list_to_integer(Port), 5}
    end.

address_please(_, Host, Family) -> inet:getaddr(Host, Family).

names(_) -> {error, address}.
