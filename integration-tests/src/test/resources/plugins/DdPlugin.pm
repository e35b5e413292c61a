package PVE::Storage::Custom::DdPlugin;

# Moves its volumes with dd, as PVE does, and makes a volume before it writes into it. It cleans nothing up.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

use PVE::Tools qw(run_command);

sub api { return 11 }

sub type { return 'ddtest' }

sub plugindata {
    return {
        content => [{ images => 1, none => 1 }, { images => 1 }],
        format => [{ raw => 1 }, 'raw'] };
}

sub properties { return {} }

sub options {
    return { path => { fixed => 1 }, content => { optional => 1 }, disable => { optional => 1 } };
}

sub volume_export_formats { return ('raw+size') }

sub volume_import_formats { return ('raw+size') }

sub volume_export {
    my ($class, $scfg, $storeid, $fh, $volname, $format) = @_;

    my ($file) = $class->filesystem_path($scfg, $volname);
    my $size = -s $file // die "volume '$storeid:$volname' does not exist\n";
    print "exporting $volname\n";
    syswrite($fh, pack('Q<', $size)) // die "cannot write the size: $!\n";
    run_command(['dd', "if=$file", 'bs=64k', 'status=none'], output => '>&' . fileno($fh));
    return;
}

sub volume_import {
    my ($class, $scfg, $storeid, $fh, $volname, $format) = @_;

    my $header = '';
    while (length($header) < 8) {
        my $read = sysread($fh, $header, 8 - length($header), length($header))
            // die "cannot read the size: $!\n";
        die "the stream has no size\n" if !$read;
    }
    my $size = unpack('Q<', $header);
    my ($file) = $class->filesystem_path($scfg, $volname);
    die "volume '$storeid:$volname' already exists\n" if -e $file;
    my (undef, $name, $vmid) = $class->parse_volname($volname);
    $class->alloc_image($storeid, $scfg, $vmid, 'raw', $name, int(($size + 1023) / 1024));
    run_command(['dd', "of=$file", 'bs=64k', 'conv=notrunc', 'status=none'],
        input => '<&' . fileno($fh));
    return "$storeid:$volname";
}

1;
