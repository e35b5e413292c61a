package PVE::Storage::Custom::LegacyDirPlugin; ## no critic (RequireFilenameMatchesPackage)

use strict;
use warnings;

use File::Path qw(make_path);
use JSON::PP ();
use POSIX qw(ENOENT);

use PVE::Storage;
use PVE::Tools qw(run_command trim);

use base qw(PVE::Storage::Plugin);

my $API_OLDEST = 9;
my $API_NEWEST = 15;

my $QEMU_IMG = '/usr/bin/qemu-img';
my $DF = '/usr/bin/df';
my $CHATTR = '/usr/bin/chattr';

# A hung network file system must not hang the status daemon.
my $STATUS_TIMEOUT = 2;

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

sub alloc_image {
    my ($class, $storeid, $scfg, $vmid, $fmt, $name, $size) = @_;

    my $old_umask = umask();
    umask($old_umask | oct('0037'));
    my $volname = eval { $class->_alloc_image($storeid, $scfg, $vmid, $fmt, $name, $size) };
    my $err = $@;
    umask($old_umask);
    die $err if $err;

    return $volname;
}

# The size is in KiB.
sub _alloc_image {
    my ($class, $storeid, $scfg, $vmid, $fmt, $name, $size) = @_;

    my $dir = $class->get_subdir($scfg, 'images') . "/$vmid";
    make_path($dir);

    $name = $class->find_free_diskname($storeid, $scfg, $vmid, $fmt, 1) if !$name;

    my ($name_format) = $class->_parse_image_name($name);
    die "illegal name '$name' - wrong extension for format ('$name_format != '$fmt')\n"
        if $name_format ne $fmt;

    my $path = $class->filesystem_path($scfg, "$vmid/$name");
    die "disk image '$path' already exists\n" if -e $path;

    my $preallocation = PVE::Storage::Plugin::preallocation_cmd_opt($scfg, $fmt);
    my $cmd = [$QEMU_IMG, 'create'];
    push @$cmd, '-o', "preallocation=$preallocation" if defined($preallocation);
    push @$cmd, '-f', $fmt, $path, "${size}K";

    eval { run_command($cmd, errmsg => "unable to create image") };
    if (my $err = $@) {
        unlink($path);
        rmdir($dir);
        die $err;
    }
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
gives the same answers. Activation, free disk names, snapshots and the rest are inherited from
C<PVE::Storage::Plugin>.

Like many plugins it prints to standard output, unless the option C<legacydir-quiet> is set.

As it does not offer the format C<subvol>, PVE numbers its disks for each format, like those of NFS,
while C<dir> counts over all formats.

=head1 METHODS

=head2 api, type, plugindata, properties, options

What PVE asks when it loads the plugin. C<api> is the host's version, between 9 and 15.

=head2 parse_volname, path, filesystem_path

Volume names are C<VMID/NAME>, and C<BASEVMID/BASENAME/VMID/NAME> for linked clones, whose backing
file is F<../BASEVMID/BASENAME>. A snapshot of a qcow2 image has the path of the image.

=head2 list_images, volume_size_info

Ask C<qemu-img info>, with the format that the file name tells. An image in another format is listed
as C<invalid>. The directory is scanned once for each C<$cache>.

=head2 status

Asks C<df>; inactive if that fails or takes more than two seconds.

=head2 alloc_image, free_image

C<qemu-img create>, with a size in KiB and C<preallocation>, and C<unlink>. New files are not
readable for others. The directory of a guest goes with its last image.

=cut
