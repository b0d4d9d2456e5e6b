SUMMARY = "The configuration with which an image is filled by Debian's apt"
LICENSE = "CLOSED"

inherit native

do_install() {
	install -d ${D}${sysconfdir}/apt ${D}${base_prefix}/var/cache/apt/archives/partial
	touch ${D}${base_prefix}/var/cache/apt/archives/partial/kept
	cat >${D}${sysconfdir}/apt/apt.conf.sample <<-END
		Dir "/" {
		  State "#APTCONF#/state" { Lists "#APTCONF#/lists/"; status "#ROOTFS#/var/lib/dpkg/status"; };
		  Cache "${STAGING_DIR_NATIVE}/var/cache/apt" { Archives "archives/"; pkgcache ""; srcpkgcache ""; };
		  Bin { dpkg "${bindir}/dpkg-unpack"; };
		  Etc "#APTCONF#" { Preferences "preferences"; Trusted "none"; TrustedParts "none.d"; };
		  Log "/dev/null"; Log::Planner "/dev/null"; Log::Terminal ""; Log::History "";
		};
		APT {
		  Install-Recommends "true";
		  Immediate-Configure "false";
		  Sandbox::User "root";
		  Architecture "i586";
		  Get { Assume-Yes "true"; };
		};
		Acquire { AllowInsecureRepositories "true"; };
		DPkg::Options { "--root=#ROOTFS#"; "--admindir=#ROOTFS#/var/lib/dpkg"; "--force-all"; "--no-force-overwrite"; "--no-debsig"; "--log=/dev/null"; };
		DPkg::Path "";
	END
	# BitBake runs the packages' scripts itself; its own apt leaves them alone.
	install -d ${D}${bindir}
	printf '#!/bin/sh\ncase " $* " in *" --configure "*) exit 0 ;; esac\nexec dpkg "$@"\n' >${D}${bindir}/dpkg-unpack
	chmod 0755 ${D}${bindir}/dpkg-unpack
	# BitBake looks for the line just so.
	sed -i 's/^ *Architecture "/  Architecture "/' ${D}${sysconfdir}/apt/apt.conf.sample
}

SYSROOT_DIRS_NATIVE += "${base_prefix}/var"
