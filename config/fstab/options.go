package fstab

import (
	"slices"
	"strings"

	"github.com/beaminit/beaminit/config/lex"
)

// mountWords are the options of mount(8) that are of no file system in particular ("FILE
// SYSTEM-INDEPENDENT MOUNT OPTIONS"), and those of fstab(5); boot has what they do.
const mountWords = `ro rw nosuid suid nodev dev noexec exec nosymfollow symfollow sync async dirsync mand nomand
	noatime atime nodiratime diratime relatime norelatime strictatime nostrictatime lazytime nolazytime
	iversion noiversion silent loud remount bind rbind shared rshared private rprivate slave rslave
	unbindable runbindable defaults user users owner group nouser noowner nogroup _netdev auto noauto nofail
	loop loop=? sw pri= comment= context= fscontext= defcontext= rootcontext= seclabel`

// fileSystemWords are the options that a file system reads itself, by its kernel
// documentation (Documentation/filesystems/) and fs_parameter_spec: "word" stands alone,
// "word=" has a value, "word=?" may have one. [no]word is both.
var fileSystemWords = [...]struct{ types, words string }{
	{"ext4 ext3 ext2", `[no]acl [no]user_xattr bsddf grpid bsdgroups nogrpid sysvgroups minixdf errors= nouid32 uid16
		sb= resuid= resgid= debug oldalloc orlov [no]journal_checksum journal_async_commit journal_dev= journal_path= noload
		norecovery data= data_err= commit= max_batch_time= min_batch_time= journal_ioprio= abort usrjquota=? grpjquota=? jqfmt=
		grpquota usrquota prjquota [no]quota barrier=? nobarrier i_version dax=? stripe= [no]delalloc
		[no]warn_on_error debug_want_extra_isize= [no]mblk_io_submit [no]block_validity inode_readahead_blks= auto_da_alloc=?
		noauto_da_alloc [no]dioread_nolock dioread_lock [no]discard init_itable=? noinit_itable max_dir_size_kb=
		test_dummy_encryption=? inlinecrypt nombcache no_mbcache prefetch_block_bitmaps no_prefetch_block_bitmaps mb_optimize_scan=
		check= nocheck reservation noreservation xip`},
	{"f2fs", `background_gc= [no]gc_merge disable_roll_forward norecovery [no]discard heap no_heap [no]user_xattr [no]acl
		active_logs= disable_ext_identify [no]inline_xattr inline_xattr_size= [no]inline_data [no]inline_dentry [no]flush_merge
		[no]barrier fastboot [no]extent_cache data_flush reserve_root= reserve_node= resuid= resgid= fault_injection= fault_type= mode=
		usrquota grpquota prjquota usrjquota=? grpjquota=? prjjquota=? jqfmt= offusrjquota offgrpjquota offprjjquota [no]quota
		alloc_mode= fsync_mode= test_dummy_encryption=? checkpoint= [no]checkpoint_merge compress_algorithm= compress_log_size=
		compress_extension= nocompress_extension= compress_chksum compress_mode= compress_cache inlinecrypt atgc discard_unit=
		memory= age_extent_cache errors= nat_bits io_bits= lookup_mode=`},
	{"vfat msdos fat", `uid= gid= umask= dmask= fmask= allow_utime= codepage= iocharset= check= conv= blocksize= [no]dots
		dotsOK= debug discard errors= fat= nfs=? quiet rodir showexec sys_immutable flush time_offset= tz= usefree usevfat
		[no]numtail nonumtail=? utf8=? uni_xlate=? posix shortname= dos1xfloppy`},
	{"btrfs", `[no]acl [no]autodefrag [no]barrier clear_cache commit= compress=? nocompress compress-force=? [no]datacow [no]datasum
		degraded device= [no]discard discard=? fatal_errors= [no]flushoncommit [no]inode_cache max_inline= metadata_ratio=
		rescan_uuid_tree skip_balance [no]space_cache space_cache=? [no]ssd [no]ssd_spread subvol= subvolid= thread_pool= [no]treelog
		user_subvol_rm_allowed rescue= [no]logreplay usebackuproot norecovery [no]enospc_debug fragment= ref_verify subvolrootid=
		alloc_start= check_int check_int_data check_int_print_mask= recovery`},
	{"xfs", `allocsize= [no]attr2 [no]discard grpid nogrpid bsdgroups sysvgroups filestreams [no]ikeep inode32 inode64 [no]largeio
		logbufs= logbsize= logdev= rtdev= noalign norecovery nouuid noquota uquota usrquota quota uqnoenforce qnoenforce gquota grpquota
		gqnoenforce pquota prjquota pqnoenforce sunit= swidth= swalloc wsync dax=? max_open_zones= [no]lifetime max_atomic_write=
		barrier nobarrier`},
	{"tmpfs", `size= nr_blocks= nr_inodes= mode= uid= gid= huge= mpol= inode32 inode64 noswap quota usrquota grpquota
		usrquota_block_hardlimit= usrquota_inode_hardlimit= grpquota_block_hardlimit= grpquota_inode_hardlimit= casefold=? strict_encoding
		[no]acl`},
	{"overlay", `lowerdir= lowerdir+= datadir+= upperdir= workdir= default_permissions redirect_dir= index= uuid= nfs_export=
		userxattr xino= metacopy= verity= volatile override_creds nooverride_creds`},
	{"ubifs", `bulk_read no_bulk_read chk_data_crc no_chk_data_crc compr= assert= auth_key= auth_hash_name=
		fast_unmount norm_unmount`},
	{"squashfs", `errors= threads=`},
	{"erofs", `[no]user_xattr [no]acl cache_strategy= dax=? device= fsid= domain_id= directio fsoffset= inode_share`},
	{"9p", `trans= uname= aname= cache=? version= debug= rfdno= wfdno= msize= access= dfltuid= dfltgid= afid= nodevmap port= privport
		rq= sq= timeout= loose fscache mmap cachetag= posixacl locktimeout= noextend noxattr directio ignoreqv negtimeout=`},
	{"nfs nfs4", `[no]ac acdirmax= acdirmin= acl noacl acregmax= acregmin= actimeo= addr= bg fg bsize= clientaddr= [no]cto
		fsc=? nofsc hard soft softerr [no]softreval [no]intr local_lock= [no]lock lookupcache= [no]migration minorversion= mountaddr= mounthost= mountport=
		mountproto= mountvers= namlen= nconnect= max_connect= nfsvers= port= [no]posix proto= [no]rdirplus rdirplus=? rdma [no]resvport
		retrans= retry= rsize= wsize= sec= [no]sharecache sloppy source= tcp udp timeo= v2 v3 v4 v4.0 v4.1 v4.2 vers= write=
		xprtsec= cert_serial= privkey_serial= trunkdiscovery notrunkdiscovery [no]alignwrite fatal_neterrors=`},
}

// Fault is what is wrong with an option, and what would be right; the latter may be empty.
type Fault struct{ What, Want string }

// CheckOption says what is wrong with one option of a mount. An empty fs is a bind mount.
// ok: nothing is, or the file system is none of those that are known here, or the option is
// one for other programs (x-…).
func CheckOption(fs, option string) (f Fault, ok bool) {
	known := wordsOf(mountWords, nil)
	at := slices.IndexFunc(fileSystemWords[:], func(w struct{ types, words string }) bool {
		return slices.Contains(strings.Fields(w.types), fs)
	})
	switch {
	case strings.HasPrefix(option, "x-") || strings.HasPrefix(option, "X-"):
		return f, true
	case at >= 0:
		known = wordsOf(fileSystemWords[at].words, known)
	case fs != "":
		return f, true
	}
	name, _, hasValue := strings.Cut(option, "=")
	alone, valued := slices.Contains(known, name), slices.Contains(known, name+"=")
	option = lex.Quote(option)
	switch {
	case hasValue && valued, !hasValue && alone:
		return f, true
	case valued:
		return Fault{option + " has no value", name + "=VALUE"}, false
	case alone:
		return Fault{option + " has a value", name + " alone"}, false
	case fs == "":
		return Fault{What: option + " is no option of a bind mount"}, false
	case slices.Contains([]string{"uid", "gid", "umask", "fmask", "dmask"}, name):
		return Fault{
			option + " is no option of " + fs + ", where each file has an owner and a mode of its own",
			"none, and a chown of what is on it",
		}, false
	}
	f.What = option + " is no option of " + fs
	if near := lex.Nearest(name, known); near != "" {
		f.What += "; did you mean " + near + "?"
	}
	return f, false
}

// wordsOf adds the words of a text to a list: "word" for one that stands alone, "word="
// for one with a value.
func wordsOf(text string, list []string) []string {
	for _, w := range strings.Fields(text) {
		if rest := strings.TrimPrefix(w, "[no]"); rest != w {
			list = append(list, "no"+rest)
			w = rest
		}
		if rest := strings.TrimSuffix(w, "=?"); rest != w {
			list = append(list, rest)
			w = rest + "="
		}
		list = append(list, w)
	}
	return list
}

// SplitOptions cuts a list of options at its commas, but for those in "…" (mount(8) has
// context="system_u:object_r:tmp_t:s0:c127,c456").
func SplitOptions(list []string) (options []string) {
	for _, s := range list {
		quoted := false
		options = append(options, strings.FieldsFunc(s, func(r rune) bool {
			quoted = quoted != (r == '"')
			return r == ',' && !quoted
		})...)
	}
	return options
}
