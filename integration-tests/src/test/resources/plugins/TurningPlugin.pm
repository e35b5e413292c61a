package PVE::Storage::Custom::TurningPlugin;

# Answers as CountingPlugin does, and writes down each volume that it makes, until there is a file "fail": then it says that it
# failed, for half of the volumes after it has made them.

use strict;
use warnings;

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'turning' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

my $made = 0;

sub volume_size_info {
    my ($class, $scfg, $storeid, $volname, $timeout) = @_;
    die "the array does not answer\n" if -e "$scfg->{path}/fail";
    return wantarray ? (1024, 'raw', 0, undef, 1767225600) : 1024;
}

sub alloc_image {
    my ($class, $storeid, $scfg, $vmid, $fmt, $name, $size) = @_;
    my $fails = -e "$scfg->{path}/fail";
    if (!$fails || $made++ % 2) {
        open(my $fh, '>>', "$scfg->{path}/made") or die "made: $!\n";
        syswrite($fh, "new $name\n") // die "made: $!\n";
        close($fh);
    }
    die "the array does not answer\n" if $fails;
    return $name;
}

sub status { return (4096, 3072, 1024, 1) }

1;
