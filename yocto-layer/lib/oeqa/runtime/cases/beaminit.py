#
# Copyright beaminit contributors
#
# SPDX-License-Identifier: Apache-2.0
#
"""bitbake -c testimage for images with beaminit as PID 1.

All of it is read from the serial console: such an image has no login, no shell and no
ssh. TEST_TARGET = "BeaminitTarget" starts QEMU so that the release tells on its output
what a shell would be asked for.
"""

import base64
import re
import time
import zlib

from oeqa.runtime.case import OERuntimeTestCase

RECORD = re.compile(r'(health v=1 [^\r\n]*?) crc=([0-9a-f]{8})')
FIELD = re.compile(r' ([a-z]+)=("(?:[^"\\]|\\.)*"|[^ ]*)')
TOLD = re.compile(r'release: (/[^\s=]+)=([A-Za-z0-9+/]*={0,2})\r?$', re.MULTILINE)


def records(text):
    """The intact health records in a console's text, as dicts, oldest first."""
    found = []
    for body, crc in RECORD.findall(text):
        if zlib.crc32(body.encode()) == int(crc, 16):
            found.append(dict(FIELD.findall(body)))
    return found


class BeaminitTest(OERuntimeTestCase):

    timeout = 120   # seconds, for each thing that is waited for

    def setUp(self):
        super().setUp()
        if not hasattr(self.target, 'console'):
            self.fail('these tests read the console: want TEST_TARGET = "BeaminitTarget", as beaminit-image.inc has it')

    def wait(self, what, find):
        """What find(text of the console) gives, as soon as that is something."""
        end = time.time() + self.timeout
        while True:
            text = self.target.console()
            found = find(text)
            if found:
                return found
            if time.time() > end:
                self.fail('no %s on the console in %d s; its last lines:\n%s' %
                          (what, self.timeout, '\n'.join(text.splitlines()[-15:])))
            time.sleep(0.5)

    def record(self, what, want):
        return self.wait('record of health with ' + what,
                         lambda text: next((r for r in reversed(records(text)) if want(r)), None))

    def up(self):
        return self.record('state=up', lambda r: r['state'] == 'up')

    def told(self):
        """What the release has told of its files, by name, once it has told the last."""
        def files(text):
            found = {name: base64.b64decode(data).decode() for name, data in TOLD.findall(text)}
            return found if '/proc/self/comm' in found else None
        return self.wait('line of the release with /proc/self/comm', files)

    def test_health_up(self):
        record = self.up()
        self.assertRegex(record['node'], r'^[^@]+@[^@]+$')
        self.assertGreater(int(record['pid']), 1)

    def test_hosts(self):
        host = self.up()['node'].split('@')[1]
        hosts = self.told()['/etc/hosts']
        self.assertIn(host, hosts.split(), 'the node does not find itself in /etc/hosts:\n' + hosts)
        self.assertNotIn('127.0.1.1', hosts)

    def test_no_epmd(self):
        record = self.up()
        told = self.told()
        self.assertEqual(told.get('/proc/%s/comm' % record['pid']), 'beam.smp\n', told)
        self.assertNotIn('epmd\n', told.values())

    def test_restart_after_kill(self):
        before = self.up()
        # The kernel's OOM killer takes the largest process, which is the VM.
        self.target.sysrq('f')
        after = self.record('state=up and another pid than %s' % before['pid'],
                            lambda r: r['state'] == 'up' and r['pid'] != before['pid'])
        self.assertEqual(after['boot'], before['boot'], 'the machine was booted again')
        self.assertGreater(int(after['restarts']), int(before['restarts']))
