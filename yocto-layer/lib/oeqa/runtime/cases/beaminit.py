#
# Copyright beaminit contributors
#
# SPDX-License-Identifier: Apache-2.0
#
"""bitbake -c testimage for images with beaminit as PID 1.

The health records on the serial console are enough for most of it: an image without
a shell has no ssh and no login. What needs a command on the target is skipped there.
"""

import re
import time
import zlib

from oeqa.runtime.case import OERuntimeTestCase

RECORD = re.compile(r'(health v=1 [^\r\n]*?) crc=([0-9a-f]{8})')


def records(text):
    """The intact health records in a console's text, as dicts, oldest first."""
    found = []
    for body, crc in RECORD.findall(text):
        if zlib.crc32(body.encode()) == int(crc, 16):
            found.append(dict(field.split('=', 1) for field in body.split()[1:]))
    return found


class BeaminitTest(OERuntimeTestCase):

    def next_records(self, want, timeout=120):
        """Reads the console until want(record) is true, and returns that record."""
        end, last = time.time() + timeout, None
        while time.time() < end:
            # run_serial returns with the first whole record (search_cmd_finished).
            _, text = self.target.runner.run_serial('\n', raw=True, timeout=int(end - time.time()) + 1)
            for last in records(text):
                if want(last):
                    return last
        self.fail('no such health record on the console in %d s; the last was %s' % (timeout, last))

    def shell(self, command):
        """Runs command by ssh; skips the test where the image has none."""
        if 'ssh-server' not in self.td.get('IMAGE_FEATURES', ''):
            self.skipTest('an image without a shell')
        status, output = self.target.run(command)
        self.assertEqual(status, 0, '%s: %s' % (command, output))
        return output

    def test_health_up(self):
        record = self.next_records(lambda r: r['state'] == 'up')
        self.assertRegex(record['node'], r'^[^@]+@[^@]+$')
        self.assertGreater(int(record['pid']), 1)

    def test_no_epmd(self):
        self.assertNotIn('epmd', self.shell('cat /proc/[0-9]*/comm').split())

    def test_hosts(self):
        record = self.next_records(lambda r: r['state'] == 'up')
        host = record['node'].split('@')[1]
        hosts = self.shell('cat /etc/hosts')
        self.assertIn(host, hosts.split())
        self.assertNotIn('127.0.1.1', hosts)

    def test_restart_after_kill(self):
        before = self.next_records(lambda r: r['state'] == 'up')
        self.shell('kill -9 %s' % before['pid'])
        after = self.next_records(lambda r: r['state'] == 'up' and r['pid'] != before['pid'])
        self.assertGreater(int(after['restarts']), int(before['restarts']))
        self.assertEqual(after['boot'], before['boot'], 'the machine was booted again')
