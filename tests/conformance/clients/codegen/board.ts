// A fleet board and a dashboard, as a partner writes them with the client preset.
import { graphql } from './gql';
import type { BoardQuery, BoardQueryVariables, FollowSubscription, RentMutation } from './gql/graphql';

export const board = graphql(`
  query Board($first: Int!, $after: String, $filter: StationFilter) {
    stations(first: $first, after: $after, filter: $filter, sort: { field: NAME, direction: ASC }) {
      fleetCursor
      totalCount
      pageInfo { hasNextPage endCursor }
      edges { cursor node { ...StationTile } }
    }
  }
`);

export const tile = graphql(`
  fragment StationTile on Station {
    id
    name
    capacity
    vehiclesAvailable
    docksAvailable
    position { latitude longitude }
    vehicleTypesAvailable { count vehicleType { id name formFactor } }
  }
`);

export const follow = graphql(`
  subscription Follow($after: Cursor) {
    vehicleChanged(after: $after) {
      cursor
      change
      occurredAt
      eventTypes
      vehicle { id number state batteryPercent station { id } vehicleType { id name } }
    }
  }
`);

export const rent = graphql(`
  mutation Rent($input: StartRentalInput!) {
    startRental(input: $input) {
      rental { id startedAt vehicle { id number } price { amount currency } }
      userErrors { code field message }
    }
  }
`);

export const object = graphql(`
  query Anything($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Station { name }
      ... on Vehicle { number state }
      ... on Rental { startedAt endedAt }
    }
  }
`);

// What compiles only when the types are what they say.
export const variables: BoardQueryVariables = { first: 10, filter: { hasVehiclesAvailable: true } };
export const names = (answer: BoardQuery) => answer.stations.edges.map((edge) => edge.cursor);
export const cursor = (payload: FollowSubscription) => String(payload.vehicleChanged.cursor);
export const refusals = (answer: RentMutation) => answer.startRental.userErrors.map((error) => error.code);
