#
# Copyright beaminit contributors
#
# SPDX-License-Identifier: Apache-2.0
#
"""TEST_TARGET = "BeaminitTarget": QEMU for images without login, shell and ssh."""

import json
import os

from oeqa.core.target.qemu import OEQemuTarget

# What a shell would be asked for, the release tells: /etc/hosts, and the names of all
# processes. One line a file, NAME=base64, on the release's output and so on the console.
TOLD = ('/etc/hosts', '/proc/[0-9]*/comm', '/proc/self/comm')


def expression():
    """The Erlang expression that tells them. It is a value of the kernel command line, in
    which a comma would begin the next word of release.args, and which a shell reads twice
    on its way: no comma, quote or blank."""
    names = ''
    for name in reversed(TOLD):
        names = '[16#%s%s]' % (name.encode().hex(), names and '|' + names)
    return ('[catch(io:put_chars([P|[61|[base64:encode(hd(tl(tuple_to_list(file:read_file(P)))))|[10]]]]))'
            '||P<-lists:append([filelib:wildcard(binary_to_list(binary:encode_unsigned(N)))||N<-%s])]' % names)


class BeaminitTarget(OEQemuTarget):

    def __init__(self, logger, target_ip, server_ip, **kwargs):
        # However many console= name a driver, the kernel's messages go to the first of its
        # ports. On the second others have a getty, and these images nothing.
        kwargs['serial_ports'] = 1
        super().__init__(logger, server_ip, **kwargs)
        # What testimage knows of the image; a target is not given it.
        with open(self.rootfs[:self.rootfs.rindex('.rootfs.')] + '.rootfs.testdata.json') as f:
            self.args = json.load(f).get('BEAMINIT_TEST_ARGS') or ''
        # The only port is logged here, but for what run_serial reads of it.
        self.log = self.bootlog + '.2'
        run_serial = self.runner.run_serial

        def logged(*args, **kwargs):
            status, output = run_serial(*args, **kwargs)
            self.runner.log(output.encode(), '.2')
            return status, output
        self.runner.run_serial = logged

    def start(self, params=None, extra_bootparams=None, runqemuparams=''):
        args = [a for a in self.args.split(',') if a] + ['-eval', expression()]
        # The node is alone here: with the peers of its beaminit.toml it would be degraded.
        boot = ['beaminit.release.args=' + ','.join(args), 'beaminit.peers=', 'sysrq_always_enabled', extra_bootparams or '']
        super().start(params, ' '.join(boot), runqemuparams)

    def stop(self):
        super().stop()
        # testimage shows the end of a boot log that it takes to be there.
        if os.path.exists(self.log) and not os.path.exists(self.bootlog):
            os.symlink(self.log, self.bootlog)

    def console(self):
        """What stood on the console since power-on."""
        with open(self.log, 'rb') as f:
            return f.read().decode('utf-8', errors='replace')

    def sysrq(self, key):
        """Presses a magic SysRq key on the console: a break on the line, then the key
        (kernel Documentation/admin-guide/sysrq.rst)."""
        self.runner.run_monitor('chardev-send-break', {'id': 'serial0'})
        # Returns with the next whole record (search_cmd_finished).
        self.runner.run_serial(key, raw=True)
