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
# processes. One line a file, NAME=base64, on the release's output and so on the console;
# wildcard/1 sorts, so /proc/self is the last.
TOLD = '/{etc/hosts,proc/{[0-9]*,self}/comm}'

# As a value of the kernel command line, in which a comma would begin the next word of
# release.args, and which a shell reads twice on its way: without comma, quote and blank.
EXPRESSION = ('[catch(io:put_chars([P|[61|[base64:encode(hd(tl(tuple_to_list(file:read_file(P)))))|[10]]]]))'
              '||P<-filelib:wildcard(binary_to_list(binary:encode_unsigned(16#%s)))]' % TOLD.encode().hex())


class BeaminitTarget(OEQemuTarget):

    def __init__(self, logger, target_ip, server_ip, **kwargs):
        super().__init__(logger, server_ip, **kwargs)
        # What testimage knows of the image; a target is not given it.
        with open(self.rootfs[:self.rootfs.rindex('.rootfs.')] + '.rootfs.testdata.json') as f:
            self.args = json.load(f).get('BEAMINIT_TEST_ARGS') or ''

    def start(self, params=None, extra_bootparams=None, runqemuparams=''):
        args = [a for a in self.args.split(',') if a] + ['-eval', EXPRESSION]
        boot = ['beaminit.release.args=' + ','.join(args), 'sysrq_always_enabled', extra_bootparams or '']
        super().start(params, ' '.join(boot), runqemuparams)

    def console(self):
        """What stood on a serial console since power-on. testimage keeps the first port
        in its boot log; where there is one port only, it is the one that it reads itself."""
        for log in (self.bootlog, self.bootlog + '.2'):
            if os.path.exists(log):
                with open(log, 'rb') as f:
                    return f.read().decode('utf-8', errors='replace')
        return ''

    def sysrq(self, key):
        """Presses a magic SysRq key on the last serial port, which is /dev/console: a break
        and the key (kernel Documentation/admin-guide/sysrq.rst)."""
        self.runner.run_monitor('chardev-send-break', {'id': 'serial%d' % (self.runner.serial_ports - 1)})
        # Returns with the next whole record (search_cmd_finished).
        self.runner.run_serial(key, raw=True)
