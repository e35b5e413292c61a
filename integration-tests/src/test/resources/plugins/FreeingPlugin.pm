package PVE::Storage::Custom::FreeingPlugin;

# Writes its volumes in place and frees them itself; it keeps a list of those.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

use PVE::Tools qw(run_command);

sub api { return 13 }

sub type { return 'freeing' }

sub plugindata {
    return { content => [{ images => 1, none => 1 }, { images => 1 }], format => [{ raw => 1 }, 'raw'] };
}

sub properties { return {} }

sub options { return { path => { fixed => 1 }, content => { optional => 1 }, disable => { optional => 1 } } }

sub volume_import_formats { return ('raw+size') }

sub volume_import {
    my ($class, $scfg, $storeid, $fh, $volname) = @_;

    my ($file) = $class->filesystem_path($scfg, $volname);
    run_command(['dd', "of=$file", 'bs=64k', 'status=none'], input => '<&' . fileno($fh));
    return "$storeid:$volname";
}

sub free_image {
    my ($class, $storeid, $scfg, $volname, $is_base, $format) = @_;

    open(my $list, '>>', "$scfg->{path}/freed") or die "freed: $!\n";
    print {$list} join(' ', $storeid, $volname, $is_base || 0, $format), "\n";
    close($list) or die "freed: $!\n";
    unlink("$scfg->{path}/images/$volname") or die "$volname: $!\n";
    return;
}

1;
