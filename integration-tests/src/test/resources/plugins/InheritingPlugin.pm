package PVE::Storage::Custom::InheritingPlugin;

# Says how its volumes are named and where they are, and inherits everything else. A volume called hidden lies where
# only this plugin looks.

use strict;
use warnings;

use PVE::Storage;

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'inheriting' }

sub plugindata {
    return {
        content => [{ images => 1 }, { images => 1 }],
        format => [{ raw => 1, qcow2 => 1 }, 'raw'],
    };
}

sub options { return { path => { fixed => 1 } } }

my $note = sub {
    my ($scfg, $what) = @_;
    return if !$scfg->{notes};
    open(my $fh, '>>', $scfg->{notes}) or die "$scfg->{notes}: $!\n";
    print $fh "$what\n";
    close($fh);
};

sub parse_volname {
    my ($class, $volname) = @_;

    my ($vmid, $name, $format) = $volname =~ m{^(\d+)/([^/\s]+\.(raw|qcow2))$}
        or die "unable to parse inheriting volume name '$volname'\n";
    return ('images', $name, $vmid, undef, undef, undef, $format);
}

sub filesystem_path {
    my ($class, $scfg, $volname, $snapname) = @_;

    my (undef, $name, $vmid) = $class->parse_volname($volname);
    $note->($scfg, "filesystem_path $volname");
    my $path = $name =~ m/hidden/ ? "$scfg->{path}/attic/$name" : "$scfg->{path}/images/$vmid/$name";
    return wantarray ? ($path, $vmid, 'images') : $path;
}

1;
