# Go modules where BitBake has no gomod fetcher (2.8, of scarthgap): the same zips with
# the same checksums by https, from which Go takes them as from a module proxy. Later
# series have go-mod-update-modules, which writes what this class reads.
#
# To be inherited after go-mod.

inherit ${@'go-mod-update-modules' if hasattr(bb.fetch2, 'gomod') else ''}

BEAMINIT_GOPROXY = "${@'off' if hasattr(bb.fetch2, 'gomod') else 'file://${BEAMINIT_UNPACKED}/goproxy'}"
export GOMODCACHE = "${S}/pkg/mod"
addtask do_compile before do_populate_lic

def beaminit_modules(d):
    """(module escaped, version, https URL) of each gomod:// in the .inc file."""
    import re
    for url in d.getVar('BEAMINIT_GOMODS').split():
        _, host, path, _, _, parm = bb.fetch.decodeurl(url)
        module = re.sub('[A-Z]', lambda m: '!' + m[0].lower(), host + path)
        yield module, parm['version'], (
            'https://proxy.golang.org/%s/@v/%s.zip;downloadfilename=%s@%s.zip;unpack=0;subdir=goproxy-zips;sha256sum=%s' %
            (module, parm['version'], (host + path).replace('/', '.'), parm['version'], parm['sha256sum']))

python () {
    if hasattr(bb.fetch2, 'gomod'):
        return
    urls = d.getVar('SRC_URI').split()
    d.setVar('BEAMINIT_GOMODS', ' '.join(u for u in urls if u.startswith('gomod://')))
    d.setVar('SRC_URI', ' '.join([u for u in urls if not u.startswith('gomod://')] +
                                 [m[2] for m in beaminit_modules(d)]))
    d.appendVarFlag('do_unpack', 'postfuncs', ' beaminit_goproxy')
}

python beaminit_goproxy() {
    # https://go.dev/ref/mod#goproxy-protocol: VERSION.zip, .mod and .info.
    import json, shutil, zipfile
    unpacked = d.getVar('BEAMINIT_UNPACKED')
    for module, version, url in beaminit_modules(d):
        name = bb.fetch.decodeurl(url)[5]['downloadfilename']
        dest = os.path.join(unpacked, 'goproxy', module, '@v', version)
        bb.utils.mkdirhier(os.path.dirname(dest))
        shutil.copy(os.path.join(unpacked, 'goproxy-zips', name), dest + '.zip')
        with open(dest + '.info', 'w') as info:
            json.dump({'Version': version}, info)
        with zipfile.ZipFile(dest + '.zip') as z, open(dest + '.mod', 'wb') as mod:
            gomod = [n for n in z.namelist() if n.endswith('@%s/go.mod' % version)]
            mod.write(z.read(gomod[0]) if gomod else b'')
}
