package PVE::Storage::Custom::CachePlugin;

# Counts in the cache hash how often it has seen it, and keeps an object there that could not travel.

use strict;
use warnings;

use PVE::Storage;

use base qw(PVE::Storage::Plugin);

sub api { return 15 }

sub type { return 'caching' }

sub plugindata { return { content => [{ images => 1 }, { images => 1 }] } }

sub options { return { path => { fixed => 1 } } }

my $count = sub {
    my ($cache) = @_;
    $cache->{session} //= sub { return ++$cache->{seen} };
    return $cache->{session}->();
};

sub status {
    my ($class, $storeid, $scfg, $cache) = @_;
    my $seen = $count->($cache);
    return (1000, $seen, 1000 - $seen, 1);
}

sub activate_storage {
    my ($class, $storeid, $scfg, $cache) = @_;
    $count->($cache);
    return 1;
}

sub list_images {
    my ($class, $storeid, $scfg, $vmid, $vollist, $cache) = @_;
    my $seen = $count->($cache);
    return [{ volid => "$storeid:100/vm-100-disk-$seen.raw", format => 'raw', size => $seen, vmid => 100 }];
}

1;
