package PVE::Storage::Custom::LegacyDirPlugin; ## no critic (RequireFilenameMatchesPackage)

# A storage that is a directory, written as plugins of API level 9 to 16 are written. The file is long because a plugin is
# one file with every method that it has.

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Path qw(make_path);
use JSON::PP ();
use POSIX qw(ENOENT);

use PVE::Storage;
use PVE::Tools qw(run_command trim);

use base qw(PVE::Storage::Plugin);

my $API_OLDEST = 9;
my $API_NEWEST = 16;

my $QEMU_IMG = '/usr/bin/qemu-img';
my $DF = '/usr/bin/df';
my $CHATTR = '/usr/bin/chattr';

# A hung network file system must not hang the status daemon.
my $STATUS_TIMEOUT = 2;

# More are not looked for.
my $MAX_DISKS = 1024;

my $FORMATS = { raw => 1, qcow2 => 1 };
my $FORMATS_RE = join('|', sort keys %$FORMATS);

# ---- what this storage is

sub api {
    my $host = eval { PVE::Storage::APIVER() };
    return $API_OLDEST if !defined($host) || $host !~ m/^\d+\z/ || $host < $API_OLDEST;
    return $host > $API_NEWEST ? $API_NEWEST : $host;
}

sub type {
    return 'legacydir';
}

sub plugindata {
    return {
        content => [{ images => 1, rootdir => 1, none => 1 }, { images => 1 }],
        format => [{%$FORMATS}, 'raw'],
    };
}

sub properties {
    return {
        'legacydir-quiet' => {
            description => "Do not print what is done.",
            type => 'boolean',
            default => 0,
        },
    };
}

sub options {
    return {
        path => { fixed => 1 },
        nodes => { optional => 1 },
        shared => { optional => 1 },
        disable => { optional => 1 },
        content => { optional => 1 },
        format => { optional => 1 },
        preallocation => { optional => 1 },
        'content-dirs' => { optional => 1 },
        'create-base-path' => { optional => 1 },
        'create-subdirs' => { optional => 1 },
        'legacydir-quiet' => { optional => 1 },
    };
}

my $notice = sub {
    my ($scfg, $text) = @_;

    print "NOTICE: legacydir: $text\n" if !$scfg->{'legacydir-quiet'};
};

# ---- names and paths

sub get_subdir {
    my ($class, $scfg, $vtype) = @_;

    my $path = $scfg->{path};
    die "storage definition has no path\n" if !$path;

    my $default = PVE::Storage::Plugin::get_vtype_subdirs()->{$vtype};
    die "unknown vtype '$vtype'\n" if !defined($default);

    my $own = $scfg->{'content-dirs'} // {};
    return "$path/" . ($own->{$vtype} // $default);
}

# VMID/NAME, or BASEVMID/BASENAME/VMID/NAME for a linked clone.
sub parse_volname {
    my ($class, $volname) = @_;

    my ($base_vmid, $base_name, $vmid, $name);
    if ($volname =~ m!^(\d+)/(\S+)/(\d+)/(\S+)$!) {
        ($base_vmid, $base_name, $vmid, $name) = ($1, $2, $3, $4);
    } elsif ($volname =~ m!^(\d+)/(\S+)$!) {
        ($vmid, $name) = ($1, $2);
    } else {
        die "unable to parse directory volume name '$volname'\n";
    }

    $class->_parse_image_name($base_name) if defined($base_name);
    my ($format, $is_base) = $class->_parse_image_name($name);

    return ('images', $name, $vmid, $base_name, $base_vmid, $is_base, $format);
}

# Dies for the files that are no volume of this storage, such as snapshots and foreign formats.
sub _parse_image_name {
    my ($class, $name) = @_;

    my (undef, $format, $is_base) = PVE::Storage::Plugin::parse_name_dir($name);
    die "unable to parse volume filename '$name'\n" if !$FORMATS->{$format};

    return ($format, $is_base);
}

sub filesystem_path {
    my ($class, $scfg, $volname, $snapname) = @_;

    my ($vtype, $name, $vmid, undef, undef, undef, $format) = $class->parse_volname($volname);

    # An internal snapshot is inside the same file.
    die "can't snapshot this image format\n" if defined($snapname) && $format ne 'qcow2';

    my $path = $class->get_subdir($scfg, $vtype) . "/$vmid/$name";

    return wantarray ? ($path, $vmid, $vtype) : $path;
}

sub path {
    my ($class, $scfg, $volname, $storeid, $snapname) = @_;

    return $class->filesystem_path($scfg, $volname, $snapname);
}

# ---- looking at images

# The parsed answer of qemu-img; the format is never guessed from guest data.
my $qemu_img_info = sub {
    my ($file, $format, $timeout) = @_;

    my ($json, $errors) = ('', '');
    my %param = (
        outfunc => sub { $json .= "$_[0]\n" },
        errfunc => sub { $errors = "$_[0]\n" },
        noerr => 1,
    );
    $param{timeout} = $timeout if $timeout;

    my $code = run_command([$QEMU_IMG, 'info', '--output=json', $file, '-f', $format], %param);
    if ($code != 0) {
        die $errors if length($errors);
        die "qemu-img info failed for '$file': exit code $code\n";
    }

    my $info = eval { JSON::PP->new->utf8->decode($json) };
    die "could not parse what qemu-img says about '$file': $@" if !$info;

    return $info;
};

# (size, format, used, parent, ctime), or nothing if there is no such file.
my $image_info = sub {
    my ($file, $format, $timeout) = @_;

    my @st = stat($file);
    if (!@st) {
        my $hint = -l $file ? " - dangling symlink?" : '';
        warn "failed to stat '$file'$hint\n";
        return;
    }
    my $ctime = $st[10];

    if (-d _) {
        warn "expected format '$format', but '$file' is a directory\n";
        return (0, 'subvol', 0, undef, $ctime);
    }

    my $info = $qemu_img_info->($file, $format, $timeout);

    my ($size) = ($info->{'virtual-size'} // '') =~ m/^(\d+)\z/;
    my ($used) = ($info->{'actual-size'} // '') =~ m/^(\d+)\z/;
    die "qemu-img told no size for '$file'\n" if !defined($size) || !defined($used);

    return ($size, $info->{format}, $used, $info->{'backing-filename'}, $ctime);
};

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;

    my $path = $class->filesystem_path($scfg, $volname);
    my $format = ($class->parse_volname($volname))[6];

    my @info = $image_info->($path, $format, $timeout);
    return undef if !@info; ## no critic (ProhibitExplicitReturnUndef)

    return wantarray ? @info : $info[0];
}

# All files below images/ that look like a volume, in the order of their paths.
my $scan_images = sub {
    my ($class, $scfg, $cache) = @_;

    my $images = $class->get_subdir($scfg, 'images');
    my $found = $cache->{legacydir}->{$images};
    return $found if $found;

    $found = [];
    PVE::Tools::dir_glob_foreach(
        $images,
        '[0-9][0-9].*',
        sub {
            my ($vmid) = @_;
            return if $vmid !~ m/^(\d+)\z/;
            PVE::Tools::dir_glob_foreach(
                "$images/$vmid",
                "[^.\\s][^\\s]*\\.(?:$FORMATS_RE)",
                sub {
                    my ($name) = @_;
                    my ($format) = eval { $class->_parse_image_name($name) } or return;
                    push @$found,
                        {
                        file => "$images/$vmid/$name",
                        format => $format,
                        name => $name,
                        vmid => $vmid,
                        };
                },
            );
        },
    );
    $found = [sort { $a->{file} cmp $b->{file} } @$found];
    $cache->{legacydir}->{$images} = $found;

    $notice->($scfg, "found " . scalar(@$found) . " image files in '$images'");

    return $found;
};

# The linked clone names its base in its own volume name.
my $volname_of_image = sub {
    my ($image, $parent) = @_;

    if (defined($parent) && $parent =~ m!^\.\./(\d+)/([^/]+\.(?:$FORMATS_RE))$!) {
        return "$1/$2/$image->{vmid}/$image->{name}";
    }
    return "$image->{vmid}/$image->{name}";
};

sub list_images {
    my ($class, $storeid, $scfg, $vmid, $vollist, $cache) = @_;

    $cache //= {};
    my %wanted = map { $_ => 1 } @{ $vollist // [] };

    my $res = [];
    for my $image (@{ $scan_images->($class, $scfg, $cache) }) {
        next if !$vollist && defined($vmid) && $image->{vmid} ne $vmid;

        my @info = eval { $image_info->($image->{file}, $image->{format}) };
        if (my $err = $@) {
            if ($err !~ m/Image is not in \S+ format$/) {
                warn $err;
                next;
            }
            warn "image '$image->{file}' is not in expected format '$image->{format}'\n";
            @info = $image_info->($image->{file}, 'raw');
            $info[1] = 'invalid' if @info;
        }
        my ($size, $format, $used, $parent, $ctime) = @info;
        next if !defined($size);

        my $volid = "$storeid:" . $volname_of_image->($image, $parent);
        next if $vollist && !$wanted{$volid};

        push @$res,
            {
            volid => $volid,
            format => $format eq 'invalid' ? $format : $image->{format},
            size => $size,
            vmid => $image->{vmid},
            used => $used,
            parent => $parent,
            ctime => $ctime,
            };
    }

    return $res;
}

# A number that one format uses is not used by another.
sub find_free_diskname {
    my ($class, $storeid, $scfg, $vmid, $fmt, $add_fmt_suffix) = @_;

    my %taken;
    for my $image (@{ $class->list_images($storeid, $scfg, $vmid) }) {
        $taken{$1} = 1 while $image->{volid} =~ m/(?:vm|base|subvol)-\Q$vmid\E-disk-(\d+)/g;
    }
    for my $number (0 .. $MAX_DISKS - 1) {
        next if $taken{$number};
        return "vm-$vmid-disk-$number" . ($add_fmt_suffix ? ".$fmt" : '');
    }
    die "unable to allocate an image name for VM $vmid in storage '$storeid'\n";
}

# ---- the storage itself

sub status {
    my ($class, $storeid, $scfg, $cache) = @_;

    my $path = $scfg->{path};
    die "storage definition has no path\n" if !defined($path);

    my @lines;
    eval {
        run_command(
            [$DF, '--block-size=1', '--output=size,used,avail', '--', $path],
            outfunc => sub { push @lines, trim($_[0]) },
            errfunc => sub { },
            timeout => $STATUS_TIMEOUT,
        );
    };
    if ($@) {
        $notice->($scfg, "no status of '$path'");
        return undef; ## no critic (ProhibitExplicitReturnUndef)
    }

    my ($total, $used, $avail) = ($lines[-1] // '') =~ m/^(\d+)\s+(\d+)\s+(\d+)$/;
    return undef if !$total; ## no critic (ProhibitExplicitReturnUndef)

    return ($total, $avail, $used, 1);
}

# ---- making and removing images

# What guests write is not for others to read.
my $with_closed_umask = sub {
    my ($code) = @_;

    my $old_umask = umask();
    umask($old_umask | oct('0037'));
    my $result = eval { $code->() };
    my $err = $@;
    umask($old_umask);
    die $err if $err;

    return $result;
};

# A failed qemu-img leaves neither a part of an image nor a directory for it.
my $qemu_img_create = sub {
    my ($path, @args) = @_;

    eval { run_command([$QEMU_IMG, 'create', @args], errmsg => "unable to create image") };
    if (my $err = $@) {
        unlink($path);
        rmdir(dirname($path));
        die $err;
    }
};

sub alloc_image {
    my ($class, @args) = @_;

    return $with_closed_umask->(sub { $class->_alloc_image(@args) });
}

# Since API version 16 the base class knows which name fits a format. A host before has no names but those that do.
sub _fitting_name {
    my ($class, $name, $format) = @_;

    return $class->volname_for_format($name, $format, 0) if $class->can('volname_for_format');
    my ($name_format) = $class->_parse_image_name($name);
    die "illegal name '$name' - wrong extension for format ('$name_format != '$format')\n"
        if $name_format ne $format;
    return $name;
}

# The size is in KiB.
sub _alloc_image {
    my ($class, $storeid, $scfg, $vmid, $fmt, $name, $size) = @_;

    my $dir = $class->get_subdir($scfg, 'images') . "/$vmid";
    make_path($dir);

    $name = $class->find_free_diskname($storeid, $scfg, $vmid, $fmt, 1) if !$name;

    $name = $class->_fitting_name($name, $fmt);

    my $path = $class->filesystem_path($scfg, "$vmid/$name");
    die "disk image '$path' already exists\n" if -e $path;

    my $preallocation = PVE::Storage::Plugin::preallocation_cmd_opt($scfg, $fmt);
    my @options = defined($preallocation) ? ('-o', "preallocation=$preallocation") : ();
    $qemu_img_create->($path, @options, '-f', $fmt, $path, "${size}K");
    $notice->($scfg, "created '$path' with $size KiB");

    return "$vmid/$name";
}

sub free_image {
    my ($class, $storeid, $scfg, $volname, $isBase, $format) = @_;

    my ($path, $vmid) = $class->filesystem_path($scfg, $volname);

    if ($isBase) {

        # Not every file system knows the immutable flag, and then it is not set.
        eval {
            run_command([$CHATTR, '-i', $path], errfunc => sub { });
        };
        warn $@ if $@;
    }

    if (!-e $path && !-l $path) {
        warn "disk image '$path' does not exist\n";
        return undef; ## no critic (ProhibitExplicitReturnUndef)
    }

    if (!unlink($path) && $! != ENOENT) {
        die "unlink '$path' failed - $!\n";
    }
    $notice->($scfg, "removed '$path'");

    # Goes away with the last image of the guest.
    my $dir = $class->get_subdir($scfg, 'images') . "/$vmid";
    rmdir($dir);

    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

# The path and what parse_volname says; dies if there is no such image.
my $existing_image = sub {
    my ($class, $scfg, $volname) = @_;

    my @parsed = $class->parse_volname($volname);
    my $path = $class->filesystem_path($scfg, $volname);
    die "volume '$volname' does not exist\n" if !-f $path;

    return ($path, @parsed);
};

# ---- templates and their clones

sub create_base {
    my ($class, $storeid, $scfg, $volname) = @_;

    my $is_base = ($class->parse_volname($volname))[5];
    die "create_base not possible with base image\n" if $is_base;

    my ($path, undef, $name, $vmid, $base_name, $base_vmid, undef, $format) =
        $existing_image->($class, $scfg, $volname);

    my $base = defined($base_name) ? "$base_vmid/$base_name" : undef;
    my $parent = $qemu_img_info->($path, $format)->{'backing-filename'} // '';
    die "volname '$volname' contains wrong information about parent\n"
        if defined($base) && $parent ne "../$base";

    my $new_volname = "$vmid/" . ($name =~ s/^vm-/base-/r);
    $new_volname = "$base/$new_volname" if defined($base);
    my $new_path = $class->filesystem_path($scfg, $new_volname);
    die "file '$new_path' already exists\n" if -e $new_path;

    rename($path, $new_path) or die "rename '$path' to '$new_path' failed - $!\n";

    # Its clones need it as it is now.
    chmod(oct('0444'), $new_path) or warn "chmod '$new_path' failed - $!\n";
    eval {
        run_command([$CHATTR, '+i', $new_path], errfunc => sub { });
    };
    warn $@ if $@;
    $notice->($scfg, "'$new_path' is a base image now");

    return $new_volname;
}

sub clone_image {
    my ($class, $scfg, $storeid, $volname, $vmid, $snap) = @_;

    die "this storage type does not support clone_image on snapshot\n" if $snap;
    my $is_base = ($class->parse_volname($volname))[5];
    die "clone_image only works on base images\n" if !$is_base;

    my (undef, undef, $base_name, $base_vmid, undef, undef, undef, $base_format) =
        $existing_image->($class, $scfg, $volname);
    my $base = "$base_vmid/$base_name";

    my $name = $class->find_free_diskname($storeid, $scfg, $vmid, 'qcow2', 1);
    my $clone = "$base/$vmid/$name";
    my $path = $class->filesystem_path($scfg, $clone);

    # Preallocation beside a backing file needs extended L2 entries.
    my @options = ('extended_l2=on', 'cluster_size=128k');
    my $preallocation = PVE::Storage::Plugin::preallocation_cmd_opt($scfg, $base_format);
    push @options, "preallocation=$preallocation" if defined($preallocation);

    my @args = ('-F', $base_format, '-b', "../$base", '-f', 'qcow2', $path);
    push @args, '-o', join(',', @options);
    $with_closed_umask->(
        sub {
            make_path(dirname($path));
            $qemu_img_create->($path, @args);
        });
    $notice->($scfg, "cloned '$base' to '$path'");

    return $clone;
}

# ---- changing images

sub rename_volume {
    my ($class, $scfg, $storeid, $source_volname, $target_vmid, $target_volname) = @_;

    my ($path, undef, undef, $vmid, $base_name, $base_vmid, $is_base, $format) =
        $existing_image->($class, $scfg, $source_volname);
    die "unable to rename base volume '$source_volname'\n" if $is_base;

    $target_vmid //= $vmid;
    my $name = $target_volname
        // $class->find_free_diskname($storeid, $scfg, $target_vmid, $format, 1);
    $name = $class->_fitting_name($name, $format);
    my (undef, $new_is_base) = $class->_parse_image_name($name);
    die "illegal name '$name' - volume '$source_volname' is no base image\n" if $new_is_base;

    my $volname = "$target_vmid/$name";
    $volname = "$base_vmid/$base_name/$volname" if defined($base_name);
    my $new_path = $class->filesystem_path($scfg, $volname);
    die "target volume '$name' already exists\n" if -e $new_path;

    make_path(dirname($new_path));
    rename($path, $new_path) or die "rename '$path' to '$new_path' failed - $!\n";
    $notice->($scfg, "renamed '$path' to '$new_path'");

    return "$storeid:$volname";
}

# The size is in bytes.
sub volume_resize {
    my ($class, $scfg, $storeid, $volname, $size, $running, $snapname) = @_;

    my ($path, undef, undef, undef, undef, undef, undef, $format) =
        $existing_image->($class, $scfg, $volname);
    die "resizing a snapshot is not supported for storage type '" . $class->type() . "'\n"
        if defined($snapname);

    # QEMU does it.
    return 1 if $running;

    my $old_size = $qemu_img_info->($path, $format)->{'virtual-size'};
    die "unable to shrink volume '$volname' from $old_size to $size bytes\n" if $size < $old_size;

    my $cmd = [$QEMU_IMG, 'resize'];
    my $preallocation = PVE::Storage::Plugin::preallocation_cmd_opt($scfg, $format);
    push @$cmd, "--preallocation=$preallocation" if defined($preallocation);
    push @$cmd, '-f', $format, $path, $size;
    run_command($cmd, errmsg => "unable to resize image");
    $notice->($scfg, "'$path' has $size bytes now");

    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

# ---- snapshots, which are inside qcow2 images

# The path of an image, and its snapshots by name.
my $image_with_snapshots = sub {
    my ($class, $scfg, $volname) = @_;

    my $format = ($class->parse_volname($volname))[6];
    die "can't snapshot this image format\n" if $format ne 'qcow2';

    my ($path) = $existing_image->($class, $scfg, $volname);
    my $snapshots = $qemu_img_info->($path, $format)->{snapshots} // [];

    return ($path, { map { $_->{name} => $_ } @$snapshots });
};

my $qemu_img_snapshot = sub {
    my ($action, $snap, $path, $doing) = @_;

    run_command([$QEMU_IMG, 'snapshot', $action, $snap, $path],
        errmsg => "unable to $doing '$snap'");
};

sub volume_snapshot {
    my ($class, $scfg, $storeid, $volname, $snap) = @_;

    my ($path, $snapshots) = $image_with_snapshots->($class, $scfg, $volname);

    # qemu-img would take a second one of the same name.
    die "snapshot '$snap' already exists on '$volname'\n" if $snapshots->{$snap};
    $qemu_img_snapshot->('-c', $snap, $path, 'take snapshot');

    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

sub volume_rollback_is_possible {
    my ($class, $scfg, $storeid, $volname, $snap, $blockers) = @_;

    # Snapshots inside an image do not depend on each other.
    return 1;
}

sub volume_snapshot_rollback {
    my ($class, $scfg, $storeid, $volname, $snap) = @_;

    my ($path, $snapshots) = $image_with_snapshots->($class, $scfg, $volname);
    die "snapshot '$snap' does not exist on '$volname'\n" if !$snapshots->{$snap};
    $qemu_img_snapshot->('-a', $snap, $path, 'roll back to snapshot');

    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

sub volume_snapshot_delete {
    my ($class, $scfg, $storeid, $volname, $snap, $running) = @_;

    my ($path, $snapshots) = $image_with_snapshots->($class, $scfg, $volname);

    # QEMU does it.
    return 1 if $running;

    die "snapshot '$snap' does not exist on '$volname'\n" if !$snapshots->{$snap};
    $qemu_img_snapshot->('-d', $snap, $path, 'delete snapshot');

    return undef; ## no critic (ProhibitExplicitReturnUndef)
}

sub volume_snapshot_info {
    my ($class, $scfg, $storeid, $volname) = @_;

    my ($path, undef, undef, undef, undef, undef, undef, $format) =
        $existing_image->($class, $scfg, $volname);
    my $snapshots = $qemu_img_info->($path, $format)->{snapshots} // [];

    return { map { $_->{name} => { timestamp => $_->{'date-sec'} } } @$snapshots };
}

# ---- what volumes offer

my $BOTH = { raw => 1, qcow2 => 1 };
my $FEATURES = {
    clone => { base => $BOTH },
    copy => { base => $BOTH, current => $BOTH, snap => { qcow2 => 1 } },
    rename => { current => $BOTH },
    snapshot => { current => { qcow2 => 1 }, snap => { qcow2 => 1 } },
    sparseinit => { base => $BOTH, current => $BOTH },
    template => { current => $BOTH },
};

sub volume_has_feature {
    my ($class, $scfg, $feature, $storeid, $volname, $snapname, $running, $opts) = @_;

    my ($is_base, $format) = ($class->parse_volname($volname))[5, 6];

    # A linked clone is a qcow2 image.
    my $targets = $opts->{valid_target_formats};
    return 0 if $feature eq 'clone' && $targets && !grep { $_ eq 'qcow2' } @$targets;

    my $state = $snapname ? 'snap' : $is_base ? 'base' : 'current';
    my $offered = $FEATURES->{$feature} // {};
    return ($offered->{$state} // {})->{$format};
}

1;

__END__

=head1 NAME

PVE::Storage::Custom::LegacyDirPlugin - a directory storage, written the way plugin authors do

=head1 SYNOPSIS

    # /etc/pve/storage.cfg
    legacydir: scratch
        path /srv/scratch
        content images

=head1 DESCRIPTION

An example and a test case: an ordinary Perl plugin for Proxmox VE that knows nothing of Tenon and
runs unmodified on a PVE host and in Tenon's sidecar. It keeps raw and qcow2 images in PVE's
directory layout, F<images/VMID/NAME>, so that a native storage of type C<dir> on the same path
gives the same answers. Activation, notes, streams and the rest are inherited from
C<PVE::Storage::Plugin>.

Like many plugins it prints to standard output, unless the option C<legacydir-quiet> is set.

=head1 METHODS

=head2 api, type, plugindata, properties, options

What PVE asks when it loads the plugin. C<api> is the host's version, between 9 and 16.

=head2 parse_volname, path, filesystem_path, get_subdir

Volume names are C<VMID/NAME>, and C<BASEVMID/BASENAME/VMID/NAME> for linked clones, whose backing
file is F<../BASEVMID/BASENAME>. A snapshot of a qcow2 image has the path of the image.

=head2 list_images, volume_size_info

Ask C<qemu-img info>, with the format that the file name tells. An image in another format is listed
as C<invalid>. The directory is scanned once for each C<$cache>.

=head2 find_free_diskname

The lowest number that no image of the guest has, of whatever format, as C<dir> counts.

=head2 status

Asks C<df>; inactive if that fails or takes more than two seconds.

=head2 alloc_image, free_image

C<qemu-img create>, with a size in KiB and C<preallocation>, and C<unlink>. New files are not
readable for others. The directory of a guest goes with its last image.

=head2 create_base, clone_image

A base image has another name and is immutable; a linked clone is a qcow2 image on top of it.

=head2 rename_volume, volume_resize

Base images keep their names, as their clones know them by these. Images do not shrink.

=head2 volume_snapshot, volume_rollback_is_possible, volume_snapshot_rollback, volume_snapshot_delete, volume_snapshot_info

Snapshots inside qcow2 images, by C<qemu-img snapshot>. A name is taken once.

=head2 volume_has_feature

What C<dir> offers for raw and qcow2 images.

=cut
